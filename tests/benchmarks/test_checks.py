"""A tool that copies wrongly is found out, and what is far away is slow but whole."""

from __future__ import annotations

import pytest
import requests

from benchmarks.content import small_tags
from benchmarks.errors import WrongCopy
from benchmarks.measure import kind_of
from benchmarks.registries import opened_line
from benchmarks.seeding import check_digests, point_tags, seed
from benchmarks.tools import Tool
from tests.fixtures.tools import program


def test_a_tag_with_another_digest_is_no_copy() -> None:
    program("docker-registry")
    with opened_line() as line:
        seeded = seed(line.target.url, small_tags(2))
        point_tags(line.target.url, seeded, moved=True)

        check_digests(line.target.url, seeded.digests(moved=True))
        with pytest.raises(WrongCopy, match=r"bench/small:v00000 .* instead of sha256:"):
            check_digests(line.target.url, seeded.digests(moved=False))


def test_a_missing_tag_is_no_copy() -> None:
    program("docker-registry")
    with opened_line() as line:
        seeded = seed(line.source.url, small_tags(2))

        with pytest.raises(WrongCopy, match="has 0 tags instead of 2"):
            check_digests(line.target.url, seeded.digests(moved=False))


def test_what_is_far_away_arrives_whole_and_in_order() -> None:
    program("docker-registry")
    with opened_line(delay=1) as line:
        seeded = seed(line.source.url, small_tags(1))
        digest, size = max(seeded.blobs["bench/small"].items(), key=lambda blob: blob[1])

        answer = requests.get(f"http://{line.source_address}/v2/bench/small/blobs/{digest}", timeout=10)

        assert line.source_address != line.source.address
        assert len(answer.content) == size


def test_a_program_that_is_not_on_the_path_is_not_installed() -> None:
    assert not Tool("none", "None", lambda job: [], program="no-such-program-here").is_installed


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("HEAD", "/v2/a/b/manifests/v1", "200", "HEAD manifest"),
        ("GET", "/v2/a/b/blobs/sha256:00", "200", "GET blob"),
        ("GET", "/v2/a/b/tags/list?n=100", "200", "GET tag list"),
        ("PUT", "/v2/a/b/blobs/uploads/1?_state=x&digest=sha256:00", "201", "PUT upload"),
        ("POST", "/v2/a/b/blobs/uploads/?mount=sha256:00&from=a/c", "201", "POST mount"),
        ("POST", "/v2/a/b/blobs/uploads/?mount=sha256:00&from=a/c", "202", "POST mount, refused"),
        ("GET", "/v2/", "401", "GET /v2/"),
    ],
)
def test_requests_are_told_apart(method: str, path: str, status: str, kind: str) -> None:
    assert kind_of(method, path, status) == kind
