"""…/mirror/tags/{tag}/restore and kept; the work itself is in tests/services/mirroring/test_restoring.py."""

from __future__ import annotations

import pytest

from mirrors.models import Mirror, Sync, TagCopy
from tests.api.conftest import MIRROR, APIClient

DIGEST = "sha256:" + "1" * 64
OLDER = "sha256:" + "2" * 64
RESTORE = f"{MIRROR}/tags/v1/restore"


@pytest.fixture
def deleted(mirror: Mirror, rung: list[int]) -> Mirror:
    """A mirror whose history knows v1 as two digests, and its deletion."""
    sync = Sync.objects.create(mirror=mirror)
    sync.start(worker="worker-1", snapshot={})
    TagCopy.objects.create(sync=sync, tag="v1", action="copied", source_digest=OLDER, target_digest=OLDER)
    sync.succeed(message="1 copied.")
    sync = Sync.objects.create(mirror=mirror)
    sync.start(worker="worker-1", snapshot={})
    TagCopy.objects.create(sync=sync, tag="v1", action="deleted", source_digest=DIGEST, target_digest_before=DIGEST)
    sync.succeed(message="1 deleted.")
    return mirror


@pytest.mark.parametrize(
    ("body", "digest"), [("", DIGEST), ("{}", DIGEST), (f'{{"manifest_digest": "{OLDER}"}}', OLDER)]
)
def test_a_deleted_tag_is_restored_by_a_sync_of_its_own(
    api: APIClient, deleted: Mirror, rung: list[int], body: str, digest: str
) -> None:
    response = api.send("POST", RESTORE, body, content_type="application/json" if body else "")
    assert response.status_code == 202
    sync = response.json()
    assert (sync["trigger"], sync["status"], sync["requested_by"]) == ("restore", "queued", "owner")
    assert sync["restores"] == {"tag": "v1", "manifest_digest": digest}
    assert rung == [sync["id"]]
    assert api.get(response["Location"]).json()["id"] == sync["id"]


def test_while_a_sync_is_under_way_it_is_a_conflict(api: APIClient, deleted: Mirror) -> None:
    api.post(f"{MIRROR}/sync-now")
    response = api.post(RESTORE, {})
    assert response.status_code == 409
    assert "Wait for it, or cancel it" in response.json()["message"]


def test_a_tag_that_follows_its_source_is_a_conflict(api: APIClient, deleted: Mirror) -> None:
    deleted.tags.create(tag="v1", source_digest=DIGEST, target_digest=DIGEST, sync_id=1)
    response = api.post(RESTORE, {})
    assert response.status_code == 409
    assert "Leave it out of the tag patterns first" in response.json()["message"]


@pytest.mark.parametrize(
    ("tag", "digest"), [("v7", None), ("v1", "sha256:" + "7" * 64), ("v1", "latest"), ("..", None)]
)
def test_what_the_history_does_not_know_is_not_found(
    api: APIClient, deleted: Mirror, tag: str, digest: str | None
) -> None:
    response = api.post(f"{MIRROR}/tags/{tag}/restore", {"manifest_digest": digest})
    assert (response.status_code, response.json()["error_type"]) == (404, "not_found")


def test_kept_tags_are_shown_and_can_be_let_go(api: APIClient, mirror: Mirror) -> None:
    Mirror.objects.update(kept_tags=["v1", "v2"])
    assert api.get(MIRROR).json()["kept_tags"] == ["v1", "v2"]
    assert api.send("DELETE", f"{MIRROR}/tags/v1/kept").status_code == 204
    assert api.get(MIRROR).json()["kept_tags"] == ["v2"]
    assert api.send("DELETE", f"{MIRROR}/tags/v1/kept").status_code == 404


def test_only_administrators_may_restore_and_let_go(
    stranger_api: APIClient, member_api: APIClient, deleted: Mirror
) -> None:
    for client in (stranger_api, member_api):
        assert client.post(RESTORE, {}).status_code == 403
        assert client.send("DELETE", f"{MIRROR}/tags/v1/kept").status_code == 403
    assert not Sync.objects.active().exists()
