"""The pieces of the distribution API that both doors share: paths, pages, ranges."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirrors.oci.store.distribution import (
    Endpoint,
    ErrorCode,
    Kind,
    Refusal,
    page_of_tags,
    parse_path,
    parse_range,
    read,
)
from mirrors.oci.store.repository import Store, StoredRepository
from mirrors.sample.images import image_of_size, store_image

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("", Endpoint(Kind.VERSION)),
        ("team/app/tags/list", Endpoint(Kind.TAGS, "team/app")),
        ("a/b/c/manifests/latest", Endpoint(Kind.MANIFEST, "a/b/c", "latest")),
        (f"a/manifests/{DIGEST}", Endpoint(Kind.MANIFEST, "a", DIGEST)),
        (f"a/blobs/{DIGEST}", Endpoint(Kind.BLOB, "a", DIGEST)),
        (f"a/referrers/{DIGEST}", Endpoint(Kind.REFERRERS, "a", DIGEST)),
        ("manifests/tags/manifests/tags", Endpoint(Kind.MANIFEST, "manifests/tags", "tags")),
        ("tags/tags/list", Endpoint(Kind.TAGS, "tags")),
    ],
)
def test_a_path_is_read_from_its_end(path: str, endpoint: Endpoint) -> None:
    assert parse_path(path) == endpoint


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("_catalog", 404, ErrorCode.UNSUPPORTED),
        ("a", 404, ErrorCode.UNSUPPORTED),
        ("a/referrers/latest", 400, ErrorCode.DIGEST_INVALID),
        ("a/blobs/uploads/", 404, ErrorCode.UNSUPPORTED),
        ("A/tags/list", 400, ErrorCode.NAME_INVALID),
        ("../../etc/tags/list", 400, ErrorCode.NAME_INVALID),
        ("a/../b/manifests/latest", 400, ErrorCode.NAME_INVALID),
        ("a/blobs/latest", 400, ErrorCode.DIGEST_INVALID),
        ("a/blobs/sha256:..", 400, ErrorCode.DIGEST_INVALID),
        ("a/manifests/..", 404, ErrorCode.MANIFEST_UNKNOWN),
    ],
)
def test_a_path_outside_the_api_is_refused(path: str, status: int, code: ErrorCode) -> None:
    with pytest.raises(Refusal) as caught:
        parse_path(path)
    assert (caught.value.status, caught.value.code) == (status, code)
    error = json.loads(caught.value.answer.body)["errors"][0]
    assert (error["code"], error["message"]) == (code, caught.value.message)


@pytest.mark.parametrize("path", ["", "a/tags/list", "a/blobs/uploads/", "nonsense"])
def test_writing_is_refused_whatever_the_path(path: str) -> None:
    with pytest.raises(Refusal, match="read-only") as caught:
        parse_path(path, method="POST")
    assert (caught.value.status, caught.value.code) == (405, ErrorCode.UNSUPPORTED)


@given(tags=st.sets(st.from_regex(r"[a-c0-9_.]{1,3}", fullmatch=True)), limit=st.integers(1, 5))
def test_following_the_pages_gives_every_tag_once(tags: set[str], limit: int) -> None:
    listed, last, more = sorted(tags), "", True
    found: list[str] = []
    while more:
        page, more = page_of_tags(listed, limit=limit, last=last)
        assert len(page) <= limit
        found.extend(page)
        last = page[-1] if page else last
    assert found == listed


def test_a_page_starts_behind_a_tag_that_is_gone() -> None:
    assert page_of_tags(["a", "c"], limit=None, last="b") == (["c"], False)
    assert page_of_tags(["a", "c"], limit=0, last="") == ([], False)
    assert page_of_tags(["a", "c"], limit=2, last="") == (["a", "c"], False)
    assert page_of_tags([], limit=2, last="x") == ([], False)


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=2-5", (2, 4)),
        ("bytes=2-", (2, 8)),
        ("bytes=-3", (7, 3)),
        ("bytes=-99", (0, 10)),
        ("bytes=5-99", (5, 5)),
        ("", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=5-2", None),
        ("bytes=0-1,3-4", None),
        ("lines=1-2", None),
        ("bytes=a-b", None),
        ("bytes=" + "9" * 5000 + "-", None),
    ],
)
def test_a_range_is_read_as_rfc_9110_says(header: str, part: tuple[int, int] | None) -> None:
    assert parse_range(header, 10) == part


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_a_range_behind_the_end_is_refused_with_the_size(header: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse_range(header, 10)
    assert caught.value.status == 416
    assert caught.value.answer.headers["Content-Range"] == "bytes */10"


@given(first=st.integers(0, 50), last=st.integers(0, 50), size=st.integers(0, 40))
def test_a_range_never_leaves_the_content(first: int, last: int, size: int) -> None:
    for header in (f"bytes={first}-{last}", f"bytes={first}-", f"bytes=-{last}"):
        try:
            part = parse_range(header, size)
        except Refusal:
            continue
        if part is not None:
            start, length = part
            assert 0 <= start < size
            assert 0 < length <= size - start


async def test_validators_spare_a_transfer_and_guard_a_resumed_one(tmp_path: Path) -> None:
    store, image = Store(tmp_path, fsync=False), image_of_size(1000)
    await store_image(image, StoredRepository(store, "a"), tag="1.0")
    digest = next(iter(image.blobs))
    blob = Endpoint(Kind.BLOB, "a", digest)
    assert read(store, blob, query={}, headers={"If-None-Match": f'"x", W/"{digest}"'}).status == 304
    resumed = {"Range": "bytes=5-", "If-Range": f'"{digest}"'}
    assert read(store, blob, query={}, headers=resumed).status == 206
    assert read(store, blob, query={}, headers=resumed | {"If-Range": '"other"'}).status == 200
    assert read(store, blob, query={}, headers=resumed, method="HEAD").status == 200
    by_tag = Endpoint(Kind.MANIFEST, "a", "1.0")
    assert read(store, by_tag, query={}, headers={"If-None-Match": f'"{image.manifest.digest}"'}).status == 304


async def test_a_manifest_damaged_on_disk_is_not_served(tmp_path: Path) -> None:
    store, image = Store(tmp_path, fsync=False), image_of_size(1000)
    await store_image(image, StoredRepository(store, "a"), tag="1.0")
    store.content_path(image.manifest.digest).write_bytes(b"{}")
    with pytest.raises(Refusal, match="damaged on disk") as caught:
        read(store, Endpoint(Kind.MANIFEST, "a", "1.0"), query={}, headers={})
    assert caught.value.status == 500
