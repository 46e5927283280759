"""What was begun to be sent and never finished does not stay."""

import os
from pathlib import Path

from gateway.unfinished import KEPT_S, remove_unfinished


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
