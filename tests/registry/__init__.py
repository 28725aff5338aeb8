"""A registry for tests that counts every request and can be told to misbehave. It speaks HTTP on a real port.

with FaultyRegistry() as registry:
    registry.switches.tag_page_size = 2
    registry.fail("GET", "/manifests/", status=429, headers={"Retry-After": "1"}, times=2)
    ...
    assert registry.count("HEAD", "/manifests/") == 3
"""

from tests.registry.content import StoredTags
from tests.registry.server import FaultyRegistry
from tests.registry.switches import Login, Request, Switches

__all__ = ["FaultyRegistry", "Login", "Request", "StoredTags", "Switches"]
