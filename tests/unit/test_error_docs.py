"""docs/errors.md and the error tree say the same."""

import re
from pathlib import Path

from services.common.errors import LipstageError

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "errors.md"
_ROW = re.compile(r"^\| `(?P<code>\w+)` \| `(?P<name>\w+)` \| (?P<what>[^|]+) \| (?P<remedy>[^|]+) \|$", re.MULTILINE)


def _tree(root: type[LipstageError]) -> list[type[LipstageError]]:
    return [root, *(error for child in root.__subclasses__() for error in _tree(child))]


def test_every_error_is_documented_under_its_code_and_class() -> None:
    documented = [(row["code"], row["name"]) for row in _ROW.finditer(_PAGE.read_text(encoding="utf-8"))]

    assert sorted(documented) == sorted((error.code, error.__name__) for error in _tree(LipstageError))


def test_no_two_errors_share_a_code() -> None:
    codes = [error.code for error in _tree(LipstageError)]

    assert len(codes) == len(set(codes))
