"""The grammar that keeps every path of the store inside the store."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mirrors.oci.errors import InvalidReference
from mirrors.oci.images.names import check_digest, is_digest, is_repository_name, is_tag
from mirrors.oci.store.repository import Store

ROOT = Path("/store")
# Characters that matter to a path or the grammar come up more often than chance would bring them.
PATHLIKE = st.text(alphabet=st.sampled_from("ab0./_-%\\\n\x00:A ~"), max_size=40)
TEXTS = PATHLIKE | st.text(max_size=40)


@pytest.mark.parametrize("name", ["a", "team/app", "a/b/c/d", "a.b/c_d/e__f/g--h", "0/1", "x" * 255])
def test_these_are_repository_names(name: str) -> None:
    assert is_repository_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        "..",
        "a/../b",
        "a/./b",
        "A",
        "a___b",
        "a..b",
        "_tags",
        "a/_tags",
        "a\n",
        "a-",
        "x" * 256,
    ],
)
def test_these_are_not_repository_names(name: str) -> None:
    assert not is_repository_name(name)


@pytest.mark.parametrize("tag", ["latest", "V1.0-rc_1", "_", "0" * 128])
def test_these_are_tags(tag: str) -> None:
    assert is_tag(tag)


@pytest.mark.parametrize("tag", ["", ".", "..", "-a", "a/b", "a:b", "a\n", "ä", "0" * 129])
def test_these_are_not_tags(tag: str) -> None:
    assert not is_tag(tag)


@pytest.mark.parametrize(
    "digest",
    ["", "sha256:", "sha256:" + "a" * 63, "sha256:" + "A" * 64, "md5:" + "a" * 32, "sha256:" + "a" * 64 + "\n"],
)
def test_these_are_not_digests(digest: str) -> None:
    assert not is_digest(digest)
    with pytest.raises(InvalidReference, match="sha256: and 64"):
        check_digest(digest)


@given(name=TEXTS, reference=TEXTS)
@example(name="a/../../b", reference="../../lock")
@example(name="a", reference="sha256:../../../../lock")
def test_no_name_tag_or_digest_leads_out_of_the_store(name: str, reference: str) -> None:
    store = Store(ROOT)
    for make in (
        lambda: store.folder(name),
        lambda: store.content_path(reference),
        lambda: store.link("a", "_blobs", reference),
    ):
        try:
            path = make()
        except InvalidReference:
            continue
        assert path.resolve().is_relative_to(ROOT)
        assert ".." not in path.parts
    if is_tag(reference):
        assert "/" not in reference
        assert reference not in {"", ".", ".."}
