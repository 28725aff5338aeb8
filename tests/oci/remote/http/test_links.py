from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from mirrors.oci.remote.http.links import is_usable, next_link


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (['</v2/a/tags/list?last=b&n=2>; rel="next"'], "/v2/a/tags/list?last=b&n=2"),
        (["<https://h/x>; rel=next"], "https://h/x"),
        (['<x>; title="a, b; rel=next"; rel="prev", <y>; REL="last NEXT"'], "y"),
        (["<x>; rel=prev", "<y>;rel=next"], "y"),
        (["<x?a=b,c>; rel=next"], "x?a=b,c"),
        (["<x>"], None),
        (["x; rel=next"], None),
        ([], None),
    ],
)
def test_the_next_page_is_found(values: list[str], expected: str | None) -> None:
    assert next_link(values) == expected


ADDRESS = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="<>"), min_size=1, max_size=30)


@given(st.lists(st.tuples(ADDRESS, st.sampled_from(["prev", "next", "last", "first"])), max_size=5))
def test_the_first_link_that_says_next_is_taken_whatever_stands_around_it(links: list[tuple[str, str]]) -> None:
    value = ", ".join(f'<{address}>; title="a, <b>"; rel="{relation}"' for address, relation in links)
    expected = next((address for address, relation in links if relation == "next"), None)
    assert next_link([value]) == expected


@given(st.text(max_size=200))
def test_no_header_breaks_the_reader(text: str) -> None:
    next_link([text])


def test_an_address_is_usable_where_guard_and_resolver_read_it_alike() -> None:
    for text in ("https://a.b/c?d=%2B", "http://[::1]:5000/", "http://storage_1.example./"):
        assert is_usable(URL(text, encoded=True))
    for text in (
        "http://127.0.0.\uff11/",
        "http://127%2e0.0.1/",
        "http://8.8.8.8%00/",
        "http://",
        "/path",
        "http://a@b/",
        "ftp://a/",
    ):
        assert not is_usable(URL(text, encoded=True))
