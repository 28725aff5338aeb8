"""GET /v1/repository/mirror/health and /v1/superuser/mirror/health: who may look."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from mirrors.models import Mirror, Namespace, Repository, User
from mirrors.models.sync import Status
from tests.api.conftest import APIClient
from tests.api.health.addresses import SUPERUSER_URL, URL
from tests.fixtures.domain import join

pytestmark = pytest.mark.django_db

Add = Callable[..., Mirror]


def test_who_belongs_to_a_namespace_may_see_its_mirrors_and_no_others(
    api: APIClient, member_api: APIClient, stranger_api: APIClient, add: Add
) -> None:
    add("a")

    for client in (api, member_api):
        assert client.get(URL, namespace="acme").json()["repositories"]["total"] == 1
        assert client.get(URL).status_code == 403
    assert stranger_api.get(URL, namespace="acme").status_code == 403
    assert stranger_api.get(URL, namespace="stranger").json()["repositories"]["total"] == 0
    assert stranger_api.get(URL, namespace="owner").status_code == 403


@pytest.mark.parametrize("name", ["nowhere", "No Where", "a\0b"])
def test_a_namespace_that_does_not_exist_is_404(root: APIClient, name: str) -> None:
    response = root.get(URL, namespace=name)

    assert response.status_code == 404
    assert response.json()["error_type"] == "not_found"


def test_nobody_sees_anything_without_signing_in(anonymous_api: APIClient) -> None:
    assert anonymous_api.get(URL).status_code == 401
    assert anonymous_api.get(URL, namespace="acme").status_code == 401
    assert anonymous_api.get(SUPERUSER_URL).status_code == 401


def test_a_token_needs_a_scope_that_has_to_do_with_repositories(make_api: Any, owner: User, add: Add) -> None:
    assert make_api(owner, scopes=["user:admin"]).get(URL, namespace="acme").status_code == 403
    for scope in ("repo:read", "repo:admin", "org:admin", "super:user"):
        assert make_api(owner, scopes=[scope]).get(URL, namespace="acme").status_code == 200


def test_superusers_and_read_only_superusers_see_all(make_api: Any, make_user: Any, superuser: User, add: Add) -> None:
    add("a")
    auditor = make_user("auditor", is_readonly_superuser=True)

    for user in (superuser, auditor):
        client = make_api(user, scopes=["super:user"])
        for url in (URL, SUPERUSER_URL):
            assert client.get(url).json()["repositories"]["total"] == 1
        assert make_api(user, scopes=["repo:admin"]).get(URL).status_code == 403
        assert make_api(user, scopes=["repo:admin"]).get(SUPERUSER_URL).status_code == 403


def test_an_ordinary_user_may_not_use_the_superusers_address(make_api: Any, owner: User) -> None:
    assert make_api(owner, scopes=["super:user"]).get(SUPERUSER_URL).status_code == 403


def test_the_superusers_address_names_no_repository_and_gives_the_same_verdict(root: APIClient, add: Add) -> None:
    add("a", Status.FAILED, attempt=3)
    add("b", None)
    add("c", finished_at=timezone.now() - timedelta(hours=48))

    response = root.get(SUPERUSER_URL, detailed="true")

    assert response.status_code == 503
    body = response.json()
    assert [issue["severity"] for issue in body["issues"]] == ["critical"]
    assert "acme" not in response.content.decode()
    assert body["repositories"] == {"total": 3, "syncing": 0, "completed": 1, "failed": 1, "never_run": 1}


def test_the_address_wins_over_a_repository_of_that_name(api: APIClient, owner: User) -> None:
    namespace = Namespace.objects.create(name="mirror", kind=Namespace.Kind.ORGANIZATION)
    join(namespace, owner, role="admin")
    Repository.objects.create(namespace=namespace, name="health")

    assert "healthy" in api.get(URL, namespace="acme").json()
