"""Repositories and the rights on them in the admin: the rules of the API hold."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from mirrors.models import (
    LogEntry,
    Namespace,
    Repository,
    RepositoryPermission,
    Robot,
    Team,
    User,
)
from mirrors.services.accounts import organizations
from mirrors.services.repositories import permissions
from tests.fixtures.browsing import text_of
from tests.fixtures.domain import mirror_organization
from tests.web.conftest import signed_in
from tests.web.test_admin import url

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(superuser: User) -> Client:
    return signed_in(superuser)


def rights(*rows: dict[str, Any], stored: int = 0) -> dict[str, Any]:
    """What the form sends of the rights on a repository."""
    values: dict[str, Any] = {
        "visibility": "private",
        "permissions-TOTAL_FORMS": len(rows),
        "permissions-INITIAL_FORMS": stored,
    }
    for number, row in enumerate(rows):
        values |= {f"permissions-{number}-{key}": value for key, value in row.items()}
    return values


def held(repository: Repository) -> dict[str, str]:
    """Who has which role."""
    return {str(permissions.holder_of(each)): each.role for each in repository.permissions.all()}


def test_a_repository_is_made_with_rights_and_both_are_logged(
    browser: Client, organization: Namespace, stranger: User
) -> None:
    values = {"namespace": organization.pk, "name": "app"} | rights({"user": stranger.pk, "role": "write"})
    assert browser.post(url("repository", "add"), values).status_code == 302
    assert held(Repository.objects.get()) == {"stranger": "write"}
    assert [entry.kind for entry in LogEntry.objects.order_by("id")] == ["create_repo", "change_repo_permission"]


def test_nothing_is_made_where_the_whole_organization_is_mirrored(
    browser: Client, organization: Namespace, robot: Robot
) -> None:
    mirror_organization(robot)
    values = {"namespace": organization.pk, "name": "app"} | rights()
    page = browser.post(url("repository", "add"), values, follow=True)
    assert "organization is managed by organization-level mirroring" in text_of(page.text)
    assert not Repository.objects.exists()


def test_rights_are_given_changed_passed_on_and_taken_away(
    browser: Client, repository: Repository, robot: Robot, stranger: User, owner: User
) -> None:
    team = Team.objects.get(name="owners")
    page = url("repository", "change", repository.pk)
    browser.post(page, rights({"robot": robot.pk, "role": "read"}, {"team": team.pk, "role": "admin"}))
    assert held(repository) == {"acme+mirror": "read", "acme/owners": "admin"}
    first, second = repository.permissions.order_by("pk")
    rows = ({"id": first.pk, "user": stranger.pk, "role": "write"}, {"id": second.pk, "team": team.pk, "DELETE": "on"})

    assert browser.post(page, rights(*rows, stored=2)).status_code == 302

    assert held(repository) == {"stranger": "write"}
    kinds = [entry.kind for entry in LogEntry.objects.order_by("id")][2:]
    assert sorted(kinds) == ["change_repo_permission", "delete_repo_permission", "delete_repo_permission"]


def test_a_team_of_another_organization_gets_no_rights(browser: Client, repository: Repository, stranger: User) -> None:
    foreign = Team.objects.get(namespace=organizations.create_organization("other", by=stranger))
    page = browser.post(
        url("repository", "change", repository.pk), rights({"team": foreign.pk, "role": "admin"}), follow=True
    )
    assert "The team other/owners does not belong to acme." in text_of(page.text)
    assert not RepositoryPermission.objects.exists()


def test_visibility_and_description_are_logged_where_they_change(browser: Client, repository: Repository) -> None:
    page = url("repository", "change", repository.pk)
    browser.post(page, rights() | {"visibility": "public", "description": "An app"})
    browser.post(page, rights() | {"visibility": "public", "description": "An app"})
    assert [entry.kind for entry in LogEntry.objects.order_by("id")] == [
        "change_repo_visibility",
        "set_repo_description",
    ]
