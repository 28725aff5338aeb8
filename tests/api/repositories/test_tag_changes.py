"""Moving, deleting and restoring tags by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mirrors.models import LogEntry, Registry, Repository, User
from mirrors.sample.images import small_image, small_index
from mirrors.services.syncs import connections
from tests.api.conftest import APIClient
from tests.registry import FaultyRegistry
from tests.registry_api.conftest import fill

PATH = "/api/v1/repository/acme/app/tag"
OLD, NEW = small_image(1), small_index(2)
UNKNOWN = "sha256:" + "0" * 64


@pytest.fixture(params=["stored", "remote"])
def present(request: pytest.FixtureRequest, repository: Repository, store_dir: Path) -> Any:
    """acme/app with the tags old, other (the same image) and new; gives what reads the digest of a tag now."""
    images = {"old": OLD, "other": OLD, "new": NEW}
    if request.param == "stored":
        fill(connections.store(), "acme/app", images)

        def stored(tag: str) -> str | None:
            found = connections.store().find_manifest("acme/app", tag)
            return found.digest if found else None

        yield stored
        return
    with FaultyRegistry() as registry:
        for tag, image in images.items():
            registry.repository("acme/app").put(image, tag=tag)
        target = Registry.objects.create(name="there", address=registry.address, verify_tls=False)
        repository.namespace.target_registry = target
        repository.namespace.save()
        yield registry.repository("acme/app").tags.get


@pytest.mark.parametrize(("method", "suffix"), [("PUT", ""), ("DELETE", ""), ("POST", "/restore")])
@pytest.mark.parametrize("state", ["READ_ONLY", "MIRROR", "ORG_MIRROR"])
@pytest.mark.parametrize("body", ["null", "{}"])
def test_in_every_other_state_than_normal_tags_are_not_changed(
    api: APIClient, repository: Repository, method: str, suffix: str, state: str, body: str
) -> None:
    Repository.objects.update(state=state)
    answer = api.send(method, f"{PATH}/latest{suffix}", body)
    assert answer.status_code == 503
    assert answer.json()["message"].startswith("Repository is in read only or mirror mode: ")


def test_a_tag_is_made_and_moved(api: APIClient, present: Callable[[str], str | None]) -> None:
    for digest in (OLD.manifest.digest, NEW.manifest.digest):
        answer = api.put(f"{PATH}/mine", {"manifest_digest": digest})
        assert (answer.status_code, answer.json()) == (201, "Updated")
        assert present("mine") == digest

    created, moved = LogEntry.objects.filter(kind__in=["create_tag", "move_tag"]).order_by("pk")
    assert (created.metadata["tag"], created.metadata["manifest_digest"]) == ("mine", OLD.manifest.digest)
    assert moved.metadata["original_manifest_digest"] == OLD.manifest.digest
    assert moved.metadata["manifest_digest"] == NEW.manifest.digest


def test_a_tag_is_deleted_and_no_other_of_its_image(api: APIClient, present: Callable[[str], str | None]) -> None:
    assert api.send("DELETE", f"{PATH}/old").status_code == 204
    assert (present("old"), present("other")) == (None, OLD.manifest.digest)
    assert api.send("DELETE", f"{PATH}/old").status_code == 404
    entry = LogEntry.objects.get(kind="delete_tag")
    assert (entry.metadata["tag"], entry.metadata["manifest_digest"]) == ("old", OLD.manifest.digest)


def test_a_tag_is_restored_from_what_is_still_there(api: APIClient, present: Callable[[str], str | None]) -> None:
    api.send("DELETE", f"{PATH}/new")
    answer = api.post(f"{PATH}/new/restore", {"manifest_digest": NEW.manifest.digest})
    assert (answer.status_code, answer.json()) == (200, {})
    assert present("new") == NEW.manifest.digest
    assert LogEntry.objects.get(kind="revert_tag").metadata["tag"] == "new"


@pytest.mark.parametrize(
    ("tag", "body", "status"),
    [
        ("mine", {"manifest_digest": UNKNOWN}, 404),
        ("mine", {"manifest_digest": "latest"}, 400),
        ("mine", {"manifest_digest": "sha256:../../x"}, 400),
        ("mine", {"manifest_digest": None}, 400),
        ("mine", {"expiration": 1700000000}, 400),
        ("mine", None, 400),
        (".mine", {"manifest_digest": OLD.manifest.digest}, 400),
        ("x" * 129, {"manifest_digest": OLD.manifest.digest}, 400),
    ],
)
def test_what_cannot_be_done_is_refused(
    api: APIClient, present: Callable[[str], str | None], tag: str, body: Any, status: int
) -> None:
    assert api.put(f"{PATH}/{tag}", body).status_code == status
    assert not LogEntry.objects.filter(kind__endswith="_tag").exists()


def test_nothing_to_change_changes_nothing(api: APIClient, present: Callable[[str], str | None]) -> None:
    assert api.put(f"{PATH}/old", {"expiration": None}).status_code == 201
    assert present("old") == OLD.manifest.digest


def test_a_tag_that_cannot_be_one_is_not_there(api: APIClient, present: Callable[[str], str | None]) -> None:
    assert api.send("DELETE", f"{PATH}/.x").status_code == 404


def test_only_who_may_write_changes_tags(
    make_api: Callable[..., APIClient], make_user: Callable[..., User], repository: Repository, present: Any
) -> None:
    for role, status in (("read", 403), ("write", 201), ("admin", 201)):
        user = make_user(f"person-{role}")
        repository.permissions.create(user=user, role=role)
        answer = make_api(user).put(f"{PATH}/{role}", {"manifest_digest": OLD.manifest.digest})
        assert answer.status_code == status
        scopeless = make_api(user, scopes=["repo:read", "org:admin"])
        assert scopeless.send("DELETE", f"{PATH}/{role}").status_code == 403


def test_a_registry_that_deletes_nothing_is_quoted(api: APIClient, repository: Repository) -> None:
    with FaultyRegistry() as registry:
        registry.switches.deletes = "none"
        registry.repository("acme/app").put(OLD, tag="old")
        target = Registry.objects.create(name="there", address=registry.address, verify_tls=False)
        repository.namespace.target_registry = target
        repository.namespace.save()

        answer = api.send("DELETE", f"{PATH}/old")

        assert (answer.status_code, answer.json()["error_type"]) == (400, "invalid_request")
        assert "does not delete tags" in answer.json()["message"]
        assert registry.repository("acme/app").tags == {"old": OLD.manifest.digest}
