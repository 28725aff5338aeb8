"""acceptance.md names tests that exist, for every line of Quay's own tests of mirroring."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("acceptance.md")
ROWS = [
    [cell.strip() for cell in line.strip("| ").split(" |")]
    for line in TABLE.read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| Quay ")
]


@cache
def names_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_line_is_shown_by_tests_that_exist_or_says_why_it_is_not(row: list[str]) -> None:
    named = re.findall(r"`(tests/[^:`]+)::(test_\w+)`", row[1])

    for path, name in named:
        assert (ROOT / path).is_file(), f"{path} is gone: name the test that shows {row[0]!r} now"
        assert name in names_in(path), f"{path} has no {name}: name the test that shows {row[0]!r} now"
    if not named:
        assert row[-1].startswith("not served"), f"{row[0]!r} has neither a test nor a reason"


def test_every_chapter_of_the_list_is_there() -> None:
    chapters = re.findall(r"^## (\w+)", TABLE.read_text(), re.MULTILINE)

    assert chapters == ["Repository", "Organization", "Health", "Elsewhere"]
    assert len(ROWS) > 120
