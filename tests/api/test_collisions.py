"""Calls that meet another one at the very moment: who is second is told what is true by then, and nobody gets a 500.

Here the other call runs between what this one reads and what it writes, on the same connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import IntegrityError, connection

from mirrors.models import Application, Mirror, Namespace, Repository, RepositoryPermission, Robot, Sync, User
from mirrors.services.accounts import applications, organizations, people
from mirrors.services.collisions import TRIES
from mirrors.services.mirroring.mirrors import delete_mirror
from mirrors.services.repositories import repositories
from tests.api.conftest import MIRROR, APIClient

pytestmark = pytest.mark.django_db(transaction=True)

REPOSITORY = "/api/v1/repository/acme/app"


@contextmanager
def before_the_first_transaction(happens: Callable[[], Any], *, after: str, naming: str = "") -> Iterator[None]:
    """Once a statement that reads this table has run, with this among its parameters, let this happen, once."""
    waiting = [happens]

    def watch(execute: Callable[..., Any], sql: str, params: Any, *rest: Any) -> Any:
        result = execute(sql, params, *rest)
        is_it = f'FROM "{after}"' in sql and (not naming or naming in (params or ()))
        if is_it and waiting and not connection.in_atomic_block:
            waiting.pop()()
        return result

    with connection.execute_wrapper(watch):
        yield
    assert not waiting


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "", {"description": "Tools"}),
        ("POST", "/changevisibility", {"visibility": "public"}),
        ("PUT", "/changestate", {"state": "READ_ONLY"}),
        ("PUT", "/permissions/user/stranger", {"role": "read"}),
    ],
)
def test_a_change_of_a_repository_that_was_deleted_meanwhile_is_answered_with_404(
    api: APIClient, repository: Repository, stranger: User, method: str, path: str, body: dict[str, str]
) -> None:
    send = api.put if method == "PUT" else api.post
    with before_the_first_transaction(
        lambda: repositories.delete_repository(Repository.objects.get()), after="mirrors_repository"
    ):
        response = send(f"{REPOSITORY}{path}", body)
    assert response.status_code in (403, 404)
    assert not RepositoryPermission.objects.exists()


def test_a_sync_of_a_mirror_that_was_removed_meanwhile_is_answered_with_404(
    api: APIClient, mirror: Mirror, rung: list[int]
) -> None:
    with before_the_first_transaction(lambda: delete_mirror(Mirror.objects.get()), after="mirrors_mirror"):
        response = api.post(f"{MIRROR}/sync-now")
    assert response.status_code == 404
    assert "removed its mirror" in response.json()["detail"]
    assert not Sync.objects.exists()


def test_a_preview_for_a_repository_that_was_deleted_meanwhile_is_answered_with_404(
    api: APIClient, mirror: Mirror, rung: list[int]
) -> None:
    with before_the_first_transaction(
        lambda: repositories.delete_repository(Repository.objects.get()), after="mirrors_mirror"
    ):
        response = api.post(f"{MIRROR}/preview", {})
    assert response.status_code == 404


def test_who_applies_a_file_while_somebody_else_does_finds_what_that_one_has_made(api: APIClient, owner: User) -> None:
    declared = {"apiVersion": "quay.herve4m.github.io/v1alpha1", "kind": "Organization", "spec": {"name": "fresh"}}
    with before_the_first_transaction(
        lambda: organizations.create_organization("fresh", by=owner), after="mirrors_namespace", naming="fresh"
    ):
        response = api.post("/api/v1/apply", declared)
    assert response.json()["counts"] == {"created": 0, "changed": 0, "unchanged": 1, "failed": 0}


def test_the_second_change_of_a_person_leaves_what_the_first_one_has_changed(stranger: User) -> None:
    read_before = User.objects.get(pk=stranger.pk)
    people.change_person(stranger, {"is_active": False, "password": "another-password-7Uz3"})
    people.change_person(read_before, {"email": "new@example.com"})
    stranger.refresh_from_db()
    assert stranger.email == "new@example.com"
    assert not stranger.is_active
    assert stranger.check_password("another-password-7Uz3")


def test_who_renames_an_application_does_not_bring_its_old_secret_back(organization: Namespace) -> None:
    application = applications.create_application(organization, {"name": "ci"})
    read_before = Application.objects.get()
    applications.reset_client_secret(application)
    applications.change_application(read_before, {"name": "deployments"})
    changed = Application.objects.get()
    assert (changed.name, changed.client_secret) == ("deployments", application.client_secret)


def test_who_calls_is_looked_at_again_where_the_first_look_collides(
    stranger_api: APIClient, repository: Repository
) -> None:
    collisions = [IntegrityError("on purpose")]

    def refuse(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if 'FROM "mirrors_accesstoken"' in sql and collisions:
            raise collisions.pop()
        return execute(sql, *rest)

    with connection.execute_wrapper(refuse):
        assert stranger_api.send("DELETE", REPOSITORY).status_code == 403
    assert not collisions
    assert Repository.objects.exists()


def test_an_error_that_stays_is_still_a_fault_of_ours(api: APIClient, repository: Repository, robot: Robot) -> None:
    tries: list[str] = []

    def refuse(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.startswith("UPDATE") and "mirrors_repository" in sql:
            tries.append(sql)
            return execute('INSERT INTO "mirrors_robot" SELECT * FROM "mirrors_robot"', (), *rest[1:])
        return execute(sql, *rest)

    with connection.execute_wrapper(refuse), pytest.raises(IntegrityError):  # Django's client raises what is a 500
        api.put(REPOSITORY, {"description": "Tools"})
    assert len(tries) == TRIES
