"""A new index of some of the entries of another."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mirrors.oci import Descriptor, Manifest
from mirrors.oci.images.manifest import DOCKER_LIST, OCI_INDEX, OCI_MANIFEST
from mirrors.oci.images.rewrite import rewritten_index

texts = st.text(max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
own_members = {"mediaType", "digest", "size", "platform", "annotations", "urls", "artifactType", "data"}
entries = st.builds(
    lambda digits, size, more: {"mediaType": OCI_MANIFEST, "digest": f"sha256:{digits:064x}", "size": size} | more,
    st.integers(0, 2**256 - 1),
    st.integers(0, 5000),
    st.dictionaries(texts.filter(lambda name: name not in own_members), json_values, max_size=3),
)


@st.composite
def indexes(draw: st.DrawFn) -> tuple[Manifest, list[bool]]:
    """An index, and for each entry whether it is wanted."""
    listed = draw(st.lists(entries, max_size=6))
    more = draw(st.dictionaries(texts.filter(lambda name: name not in ("manifests", "config", "layers")), json_values))
    media_type = draw(st.sampled_from([OCI_INDEX, DOCKER_LIST]))
    document = more | {"schemaVersion": 2, "mediaType": media_type, "manifests": listed}
    content = json.dumps(document, indent=draw(st.sampled_from([None, 2]))).encode()
    algorithm = draw(st.sampled_from(["sha256", "sha512"]))
    return Manifest(content, media_type, algorithm), draw(
        st.lists(st.booleans(), min_size=len(listed), max_size=len(listed))
    )


def kept_of(index: Manifest, wanted: list[bool]) -> list[Descriptor | None]:
    """The entries that are wanted, as they are."""
    return [child if keep else None for child, keep in zip(index.entries(), wanted, strict=True)]


@given(indexes())
def test_a_rewritten_index_has_the_wanted_entries_in_order_and_every_other_member(
    case: tuple[Manifest, list[bool]],
) -> None:
    index, wanted = case
    rewritten = rewritten_index(index, entries=kept_of(index, wanted))
    before, after = index.document, json.loads(rewritten.content)
    assert after["manifests"] == [entry for entry, keep in zip(before["manifests"], wanted, strict=True) if keep]
    assert list(after) == list(before)
    assert {name: after[name] for name in after if name != "manifests"} == {
        name: before[name] for name in before if name != "manifests"
    }
    assert (rewritten.media_type, rewritten.algorithm) == (index.media_type, index.algorithm)


@given(indexes())
def test_the_same_index_gives_the_same_bytes_and_one_that_loses_nothing_is_left_alone(
    case: tuple[Manifest, list[bool]],
) -> None:
    index, wanted = case
    again = Manifest(index.content, index.media_type, index.algorithm)
    first = rewritten_index(index, entries=kept_of(index, wanted))
    assert first.content == rewritten_index(again, entries=kept_of(again, wanted)).content
    assert first.digest == rewritten_index(again, entries=kept_of(again, wanted)).digest
    if all(wanted):
        assert first.content == index.content
    rest = list(first.entries())
    assert rewritten_index(first, entries=rest).content == first.content


def test_an_entry_that_points_elsewhere_keeps_its_members_but_not_its_embedded_content() -> None:
    entry: dict[str, Any] = {
        "mediaType": OCI_INDEX,
        "digest": "sha256:" + "a" * 64,
        "size": 7,
        "data": "e30=",
        "annotations": {"a": "b"},
    }
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
    index = Manifest(json.dumps(document).encode(), OCI_INDEX)
    new = Descriptor(OCI_INDEX, "sha256:" + "b" * 64, 9)
    (after,) = json.loads(rewritten_index(index, entries=[new]).content)["manifests"]
    assert after == {"mediaType": OCI_INDEX, "digest": new.digest, "size": 9, "annotations": {"a": "b"}}


def test_the_bytes_of_a_rewritten_index_never_change_between_versions() -> None:
    listed = [{"mediaType": OCI_MANIFEST, "digest": "sha256:" + digit * 64, "size": 1} for digit in "ab"]
    document = {"schemaVersion": 2, "manifests": listed, "annotations": {"name": "\u00e9"}}
    index = Manifest(json.dumps(document, indent=3).encode(), OCI_INDEX)
    first, _ = index.children()
    assert rewritten_index(index, entries=[first, None]).content == (
        b'{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",'
        b'"digest":"sha256:' + b"a" * 64 + b'","size":1}],"annotations":{"name":"\\u00e9"}}'
    )
