"""Registry products as sets of switches: what is known to be different about each."""

from __future__ import annotations

from typing import Any

PRODUCTS: dict[str, dict[str, Any]] = {
    "docker-hub": {"referrers": "404", "deletes": "none", "headers": {"ratelimit-remaining": "76;w=21600"}},
    "quay": {"tag_page_size": 100, "largest_page": 100, "page_refusal": 413, "sparse_indexes": False},
    "ghcr": {"tag_page_size": 100, "chunk_limit": 4 << 20, "referrers": "404", "deletes": "none"},
    "gar": {"uploads": "single", "locations": "absolute"},
    "ecr": {
        "largest_page": 1000,
        "uploads": "lost",
        "mounts": "202",
        "needs_media_type": True,
        "locations": "absolute",
        "deletes": "none",
    },
    "acr": {"tag_page_size": 100, "manifest_limit": 4 << 20, "unseen_after_push": 1},
    "harbor": {"quota_refusal": 412, "deletes": "tags"},
    "artifactory": {"link": "prefix", "odd_tags": True, "picky_lists": True, "mounts": "202", "uploads": "patch"},
    "nexus": {"odd_tags": True, "null_tags": True, "link": "foreign", "manifest_limit": 10 << 20},
    "gitlab": {"subject_must_exist": True, "tag_page_size": 100},
    "distribution-2": {"referrers": "404", "deletes": "digests", "sha512": "refused", "sparse_indexes": False},
    "zot": {"docker_types": False},
}
"""By product; peers of one kind are named after the best known of them."""
