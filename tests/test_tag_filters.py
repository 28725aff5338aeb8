"""Which tags a mirror wants. The table is the one of Quay's documentation, with the tag that it forgets."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirrors.tag_filters import explain_tags, select_tags, split_patterns

TAGS = ["v32", "v3.1", "v3.2", "v3.2-4beta", "v3.3"]


@pytest.mark.parametrize(
    ("pattern", "selected"),
    [
        ("v3*", ["v3.1", "v3.2", "v3.2-4beta", "v3.3", "v32"]),
        ("v3.*", ["v3.1", "v3.2", "v3.2-4beta", "v3.3"]),
        ("v3.?", ["v3.1", "v3.2", "v3.3"]),
        ("v3.[12]", ["v3.1", "v3.2"]),
        ("v3.[12]*", ["v3.1", "v3.2", "v3.2-4beta"]),
        ("v3.[!1]*", ["v3.2", "v3.2-4beta", "v3.3"]),
        ("v3.2", ["v3.2"]),
        ("V3.2", []),
        ("3.2", []),
        ("*", sorted(TAGS)),
        (" v3.2 ", ["v3.2"]),
        ("v3.2\n", ["v3.2"]),
        ("v3.[", []),
        ("", []),
    ],
)
def test_a_pattern_selects_what_the_documentation_says(pattern: str, selected: list[str]) -> None:
    assert select_tags(TAGS, [pattern]).tags == selected


def test_several_patterns_select_what_any_of_them_matches_once_and_in_order() -> None:
    selection = select_tags(["b", "a", "c", "a"], ["[ab]", "a", "b"])

    assert selection.tags == ["a", "b"]
    assert selection.reasons == {"a": "[ab]", "b": "[ab]"}


def test_no_pattern_selects_nothing() -> None:
    assert select_tags(TAGS, []).tags == []


@given(st.sets(st.text("ab1.-_", min_size=1, max_size=6)), st.lists(st.text("ab1.*?[]!-", max_size=6), max_size=4))
def test_a_selection_holds_exactly_the_tags_that_the_shell_would_match(tags: set[str], patterns: list[str]) -> None:
    selected = select_tags(tags, patterns)

    assert selected.tags == sorted(tag for tag in tags if any(fnmatchcase(tag, pattern) for pattern in patterns))
    assert all(fnmatchcase(tag, pattern) for tag, pattern in selected.reasons.items())


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        ("latest", ["latest"]),
        (" v1.* , latest,,latest ", ["v1.*", "latest"]),
        (" , ", []),
        ("", []),
    ],
)
def test_a_list_is_split_at_commas_blanks_and_repetitions_dropped(text: str, patterns: list[str]) -> None:
    assert split_patterns(text) == patterns


def test_every_tag_is_explained_with_the_pattern_that_decided() -> None:
    decisions = explain_tags(["V1", "b", "v1"], ["v*", "[a-b]", "b"])

    assert [(decision.tag, decision.pattern) for decision in decisions] == [("V1", None), ("b", "[a-b]"), ("v1", "v*")]
    assert [decision.reason for decision in decisions] == [
        "v* would select it if it were spelt alike: letters' case counts.",
        "[a-b] selects it.",
        "v* selects it.",
    ]
    assert explain_tags(["x"], ["y"])[0].reason == "No pattern selects it."


@given(st.sets(st.text("abAB1.", min_size=1, max_size=4)), st.lists(st.text("abA1.*?[]!-", max_size=5), max_size=4))
def test_what_is_explained_is_what_is_selected(tags: set[str], patterns: list[str]) -> None:
    selected = {
        decision.tag: decision.pattern for decision in explain_tags(tags, patterns) if decision.pattern is not None
    }

    assert selected == select_tags(tags, patterns).reasons
