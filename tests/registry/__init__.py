"""A registry for tests that counts every request and can be told to misbehave. It speaks HTTP on a real port.

with FaultyRegistry() as registry:
    registry.switches.tag_page_size = 2
    registry.behave_like("ecr")
    registry.fail("GET", "/manifests/", status=429, headers={"Retry-After": "1"}, times=2)
    registry.fail("GET", "/manifests/", **PULL_LIMIT)
    ...
    assert registry.count("HEAD", "/manifests/") == 3
    assert all(move.complete for move in registry.repository("library/app").moves)
"""

from tests.registry.content import Move, StoredTags, Upload
from tests.registry.faults import ABUSE, HTML_200, HTML_503, PULL_LIMIT, SECONDARY_LIMIT, Request
from tests.registry.products import PRODUCTS
from tests.registry.server import FaultyRegistry
from tests.registry.switches import Login, Switches

__all__ = [
    "ABUSE",
    "HTML_200",
    "HTML_503",
    "PRODUCTS",
    "PULL_LIMIT",
    "SECONDARY_LIMIT",
    "FaultyRegistry",
    "Login",
    "Move",
    "Request",
    "StoredTags",
    "Switches",
    "Upload",
]
