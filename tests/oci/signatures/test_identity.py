"""signedIdentity: which names in a signature are good for which image."""

from __future__ import annotations

from typing import Any

import pytest

from mirrors.oci import Reference
from mirrors.oci.signatures.identity import read_identity

DIGEST = "sha256:" + "ab" * 32
OTHER = "sha256:" + "cd" * 32
TAGGED, BARE, DIGESTED = "quay.io/a/b:v1", "quay.io/a/b", f"quay.io/a/b@{DIGEST}"
LIKE_IMAGE = {"type": "matchRepoDigestOrExact"}
REMAP = {"type": "remapIdentity", "prefix": "quay.io/a", "signedPrefix": "vendor.example.com/x"}
REMAP_HOST = {"type": "remapIdentity", "prefix": "quay.io", "signedPrefix": "vendor.example.com"}


@pytest.mark.parametrize(
    ("identity", "image", "signed", "matches"),
    [
        (LIKE_IMAGE, TAGGED, TAGGED, True),
        (LIKE_IMAGE, TAGGED, "quay.io/a/b:v2", False),
        (LIKE_IMAGE, TAGGED, "quay.io/a/c:v1", False),
        (LIKE_IMAGE, TAGGED, BARE, False),
        (LIKE_IMAGE, TAGGED, DIGESTED, False),
        (LIKE_IMAGE, TAGGED, None, False),
        (LIKE_IMAGE, DIGESTED, DIGESTED, True),
        (LIKE_IMAGE, DIGESTED, "quay.io/a/b:v2", True),
        (LIKE_IMAGE, DIGESTED, f"quay.io/a/b@{OTHER}", True),
        (LIKE_IMAGE, DIGESTED, BARE, False),
        (LIKE_IMAGE, DIGESTED, "quay.io/a/c:v1", False),
        (LIKE_IMAGE, BARE, TAGGED, False),
        ({"type": "matchExact"}, TAGGED, TAGGED, True),
        ({"type": "matchExact"}, TAGGED, "quay.io/a/b:v2", False),
        ({"type": "matchExact"}, TAGGED, BARE, False),
        ({"type": "matchExact"}, BARE, BARE, False),
        ({"type": "matchExact"}, DIGESTED, DIGESTED, True),
        ({"type": "matchExact"}, DIGESTED, TAGGED, False),
        ({"type": "matchExact"}, TAGGED, None, False),
        ({"type": "matchRepository"}, TAGGED, BARE, True),
        ({"type": "matchRepository"}, TAGGED, "quay.io/a/b:v2", True),
        ({"type": "matchRepository"}, TAGGED, DIGESTED, True),
        ({"type": "matchRepository"}, TAGGED, "quay.io/a/c", False),
        ({"type": "matchRepository"}, TAGGED, "ghcr.io/a/b", False),
        ({"type": "matchRepository"}, TAGGED, None, False),
        ({"type": "matchRepository"}, "busybox:1", "index.docker.io/library/busybox", True),
        ({"type": "matchDigest"}, TAGGED, None, True),
        ({"type": "matchDigest"}, TAGGED, "ghcr.io/x/y", True),
        ({"type": "exactReference", "dockerReference": "ghcr.io/x/y:z"}, TAGGED, "ghcr.io/x/y:z", True),
        ({"type": "exactReference", "dockerReference": "ghcr.io/x/y:z"}, TAGGED, "ghcr.io/x/y", False),
        ({"type": "exactReference", "dockerReference": "ghcr.io/x/y:z"}, TAGGED, TAGGED, False),
        ({"type": "exactReference", "dockerReference": "ghcr.io/x/y:z"}, TAGGED, None, False),
        ({"type": "exactRepository", "dockerRepository": "ghcr.io/x/y"}, TAGGED, "ghcr.io/x/y", True),
        ({"type": "exactRepository", "dockerRepository": "ghcr.io/x/y"}, TAGGED, "ghcr.io/x/y:q", True),
        ({"type": "exactRepository", "dockerRepository": "ghcr.io/x/y"}, TAGGED, BARE, False),
        ({"type": "exactRepository", "dockerRepository": "ghcr.io/x/y"}, TAGGED, None, False),
        (REMAP, TAGGED, "vendor.example.com/x/b:v1", True),
        (REMAP, TAGGED, "vendor.example.com/x/b:v2", False),
        (REMAP, TAGGED, "vendor.example.com/x/b", False),
        (REMAP, TAGGED, TAGGED, False),
        (REMAP, TAGGED, None, False),
        (REMAP, DIGESTED, "vendor.example.com/x/b:v9", True),
        (REMAP, "quay.io/ab/c:v1", "quay.io/ab/c:v1", True),
        (REMAP, "quay.io/ab/c:v1", "vendor.example.com/xb/c:v1", False),
        (REMAP | {"prefix": "quay.io/a/b"}, TAGGED, "vendor.example.com/x:v1", True),
        (REMAP_HOST, TAGGED, "vendor.example.com/a/b:v1", True),
        (REMAP_HOST, "quay.io:443/a/b:v1", "vendor.example.com:443/a/b:v1", False),
    ],
)
def test_a_name_in_a_signature_is_compared_as_the_identity_says(
    identity: dict[str, Any], image: str, signed: str | None, matches: bool
) -> None:
    found = read_identity(identity, path="here")
    assert found.matches(Reference.parse(signed) if signed else None, image=Reference.parse(image)) is matches
    assert found.to_json() == identity
