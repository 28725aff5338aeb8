"""A global read-only superuser sees every mirror and changes none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mirrors.models import Mirror, Sync, User
from tests.api.conftest import BODY, MIRROR, APIClient


@pytest.fixture
def auditor(make_api: Callable[..., APIClient], make_user: Callable[..., User]) -> APIClient:
    """Calls as a read-only superuser who has nothing to do with `acme`."""
    return make_api(make_user("auditor", is_readonly_superuser=True), scopes=["repo:admin", "super:user"])


def test_everything_that_only_reads_is_open(auditor: APIClient, mirror: Mirror) -> None:
    sync = Sync.objects.create(mirror=mirror)
    for address in (MIRROR, f"{MIRROR}/syncs", f"{MIRROR}/syncs/{sync.pk}", f"{MIRROR}/progress"):
        assert auditor.get(address).status_code == 200
    assert auditor.get("/api/v1/repository/acme/missing/mirror").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ""),
        ("PUT", ""),
        ("DELETE", ""),
        ("POST", "/sync-now"),
        ("POST", "/sync-cancel"),
        ("POST", "/verify"),
        ("POST", "/tags/v1/restore"),
        ("DELETE", "/tags/v1/kept"),
    ],
)
def test_whatever_changes_or_connects_is_refused(auditor: APIClient, mirror: Mirror, method: str, path: str) -> None:
    call = {"POST": auditor.post, "PUT": auditor.put}.get(method, lambda path, _: auditor.send(method, path))
    assert call(MIRROR + path, BODY).status_code == 403
    assert Mirror.objects.exists()
    assert not Sync.objects.exists()
