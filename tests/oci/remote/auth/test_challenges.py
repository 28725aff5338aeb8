from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirrors.oci.remote.auth.challenges import merge_scopes, parse_challenges


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (['Basic realm="a, b"'], [("basic", {"realm": "a, b"})]),
        (["BASIC"], [("basic", {})]),
        (['bearer REALM="https://a/t",service=reg'], [("bearer", {"realm": "https://a/t", "service": "reg"})]),
        (
            ['Bearer realm="https://a/t",scope="repository:a/b:pull,push", Basic realm="x"'],
            [("bearer", {"realm": "https://a/t", "scope": "repository:a/b:pull,push"}), ("basic", {"realm": "x"})],
        ),
        (['Basic realm="x"', 'Bearer realm="y"'], [("basic", {"realm": "x"}), ("bearer", {"realm": "y"})]),
        (["Negotiate, Basic realm=x"], [("negotiate", {}), ("basic", {"realm": "x"})]),
        (["Negotiate YWJj==, Basic realm=x"], [("negotiate", {}), ("basic", {"realm": "x"})]),
        ([r'Basic realm="a \"quoted\" word"'], [("basic", {"realm": 'a "quoted" word'})]),
        (['Bearer realm="y",error="insufficient_scope"'], [("bearer", {"realm": "y", "error": "insufficient_scope"})]),
        (["", ",,,"], []),
    ],
)
def test_challenges_are_read(values: list[str], expected: list[tuple[str, dict[str, str]]]) -> None:
    assert [(challenge.scheme, challenge.parameters) for challenge in parse_challenges(values)] == expected


NAME = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,8}", fullmatch=True)
VALUE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


@given(
    st.lists(
        st.tuples(NAME, st.dictionaries(NAME.map(str.lower), VALUE, min_size=1, max_size=4)), min_size=1, max_size=3
    )
)
def test_quoted_challenges_read_back(challenges: list[tuple[str, dict[str, str]]]) -> None:
    def quoted(value: str) -> str:
        return value.replace("\\", "\\\\").replace('"', '\\"')

    text = ", ".join(
        f"{scheme} " + ", ".join(f'{name}="{quoted(value)}"' for name, value in parameters.items())
        for scheme, parameters in challenges
    )
    read = [(challenge.scheme, challenge.parameters) for challenge in parse_challenges([text])]
    assert read == [(scheme.lower(), parameters) for scheme, parameters in challenges]


@given(st.text(max_size=200))
def test_no_header_breaks_the_reader(text: str) -> None:
    parse_challenges([text])


def test_scopes_of_one_resource_become_one() -> None:
    scopes = ["repository:b:pull", "repository:a:push,pull repository:b:push", "", "repository:a:pull"]
    assert merge_scopes(scopes) == ("repository:a:pull,push", "repository:b:pull,push")
