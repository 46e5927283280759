"""What was begun to be sent and never finished does not stay."""

import os
from pathlib import Path

from gateway.unfinished import KEPT_S, remove_unfinished


class JustFinished(type(Path())):  # type: ignore[misc]
    """Files that are gone as soon as somebody has looked at them."""

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        found = super().stat(follow_symlinks=follow_symlinks)
        if self.name.startswith("upload-"):
            os.unlink(self)
        return found  # type: ignore[no-any-return]


def test_a_file_that_is_finished_while_it_is_looked_at_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "upload-a").touch()

    remove_unfinished(JustFinished(tmp_path), 1e12)

    assert list(tmp_path.iterdir()) == []


def test_unfinished_files_leave_after_a_day_and_nothing_else_does(tmp_path: Path) -> None:
    now_s = 1e9
    for name, age_s in {
        "piece-a": KEPT_S + 1,
        "upload-b": KEPT_S + 1,
        "fetch-c": KEPT_S - 1,
        "cached": 1e8,
    }.items():
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (now_s - age_s, now_s - age_s))

    remove_unfinished(tmp_path, now_s)

    assert {path.name for path in tmp_path.iterdir()} == {"fetch-c", "cached"}
