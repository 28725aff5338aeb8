"""docs/quay-compatibility.md has a line for every route: what is served."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import URLPattern

from mirrors.api.urls import urlpatterns

PAGE = Path(__file__).resolve().parents[2] / "docs" / "quay-compatibility.md"
TABLE = PAGE.read_text().split("## What is there")[1].split("\n## ")[0]
ADDRESSES = " ".join(re.findall(r"`([^`]+)`", "\n".join(line.split(" | ")[0] for line in TABLE.splitlines())))


def _routes() -> Iterator[str]:
    for pattern in urlpatterns:
        route = str(pattern.pattern) if isinstance(pattern, URLPattern) else ""
        if route.startswith("v1/"):
            yield route.rstrip("/")


@pytest.mark.parametrize("route", sorted(set(_routes())))
def test_a_route_is_in_the_table(route: str) -> None:
    words = [part for part in route.removeprefix("v1/").split("/") if not part.startswith("<")]
    place = {"repository": "/v1/repository", "organization": "/v1/organization", "user": "/v1/user"}

    assert place.get(words[0], f"/v1/{words[0]}") in ADDRESSES
    for word in words[1:]:
        assert re.search(rf"/{re.escape(word)}\b", ADDRESSES), f"{route}: {PAGE.name} does not name it"
