"""The page about quirks names a test for each rule, and each test names its rule."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PAGE = (ROOT / "docs" / "registry-quirks.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| (\d+) \|(.*)\|$", PAGE, re.MULTILINE))
FILES = sorted(path.name for path in HERE.glob("test_*.py") if path != Path(__file__))


def named_in(text: str) -> list[Path]:
    """The test files that a text names, by their paths."""
    names = re.findall(r"`([\w/]*test_\w+\.py)`", text)
    return [ROOT / name if "/" in name else HERE / name for name in names]


@pytest.mark.parametrize("rule", range(1, 25))
def test_each_rule_has_a_test_of_its_own(rule: int) -> None:
    own = [path for path in named_in(ROWS[str(rule)]) if path.parent == HERE]
    assert own
    assert all(f"Rule {rule}" in first_line(path) for path in own)


def test_every_file_that_the_page_names_is_there() -> None:
    assert [path for path in named_in(PAGE) if not path.is_file()] == []


@pytest.mark.parametrize("name", FILES)
def test_each_test_is_on_the_page_and_says_what_it_is_about(name: str) -> None:
    assert f"`{name}`" in PAGE
    assert re.match(r'"""(Rule \d+|All rules|What a copy may cost)', first_line(HERE / name))


def first_line(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition("\n")[0]
