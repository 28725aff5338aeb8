"""Making and showing repositories."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mirrors.models import Namespace, Repository, User
from tests.api.conftest import APIClient
from tests.fixtures.domain import join

NEW = {"namespace": "acme", "repository": "new", "visibility": "private", "description": "New"}
PATH = "/api/v1/repository"


def test_a_new_repository_answers_its_name(api: APIClient) -> None:
    response = api.post(PATH, NEW)
    assert (response.status_code, response.json()) == (201, {"namespace": "acme", "name": "new", "kind": "image"})
    shown = api.get(f"{PATH}/acme/new").json()
    assert (shown["description"], shown["is_public"], shown["is_organization"]) == ("New", False, True)
    assert (shown["state"], shown["can_write"], shown["can_admin"], shown["is_starred"]) == (
        "NORMAL",
        True,
        True,
        False,
    )


def test_without_a_namespace_it_is_the_callers_own(stranger_api: APIClient) -> None:
    body = NEW | {"namespace": None, "repository": "a/b/c", "visibility": "public", "repo_kind": "image"}
    assert stranger_api.post(PATH, body).json()["namespace"] == "stranger"
    assert stranger_api.get(f"{PATH}/stranger/a/b/c").json()["is_public"] is True


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"repository": "app"}, "Repository already exists"),
        ({"repository": "Bad Name"}, "Invalid repository name"),
        ({"repository": ""}, "Invalid repository name"),
        ({"repository": "x" * 300}, "Invalid repository name"),
        ({"repository": "a\0"}, "repository"),
        ({"visibility": "secret"}, "visibility must be public or private"),
        ({"repo_kind": "application"}, "repo_kind must be image"),
        ({"description": None}, "description must be a string"),
    ],
)
def test_what_cannot_be_made_is_refused(
    api: APIClient, repository: Repository, changes: dict[str, Any], words: str
) -> None:
    response = api.post(PATH, NEW | changes)
    assert response.status_code == 400
    assert words in response.json()["message"]
    assert Repository.objects.count() == 1


@pytest.mark.parametrize("missing", ["repository", "visibility", "description"])
def test_what_is_required_is_asked_for(api: APIClient, missing: str) -> None:
    response = api.post(PATH, {key: value for key, value in NEW.items() if key != missing})
    assert (response.status_code, response.json()["message"]) == (400, f"'{missing}' is a required property")


def test_only_creators_and_administrators_make_repositories(
    make_api: Callable[..., APIClient],
    make_user: Callable[..., User],
    stranger_api: APIClient,
    member_api: APIClient,
    organization: Namespace,
) -> None:
    for caller in (stranger_api, member_api):
        assert caller.post(PATH, NEW).status_code == 403
    creator = make_user("creator")
    join(organization, creator, role="creator")
    creator_api = make_api(creator)
    assert creator_api.post(PATH, NEW).status_code == 201
    assert creator_api.get(f"{PATH}/acme/new").json()["can_admin"] is True


def test_a_missing_namespace_is_not_found(api: APIClient) -> None:
    assert api.post(PATH, NEW | {"namespace": "missing"}).status_code == 404


def test_a_private_repository_is_hidden_from_strangers(
    api: APIClient, stranger_api: APIClient, anonymous_api: APIClient, repository: Repository
) -> None:
    for name in ("acme/app", "acme/missing"):
        assert stranger_api.get(f"{PATH}/{name}").status_code == 403
        assert anonymous_api.get(f"{PATH}/{name}").status_code == 401
    assert api.get(f"{PATH}/acme/missing").status_code == 404


def test_a_public_repository_is_shown_to_everyone(
    make_api: Callable[..., APIClient], stranger: User, anonymous_api: APIClient, repository: Repository
) -> None:
    Repository.objects.update(visibility="public")
    for caller in (anonymous_api, make_api(stranger), make_api(stranger, scopes=["org:admin"])):
        shown = caller.get(f"{PATH}/acme/app").json()
        assert (shown["is_public"], shown["can_write"], shown["can_admin"]) == (True, False, False)


def test_a_mirrored_repository_cannot_be_written(api: APIClient, mirror: object) -> None:
    shown = api.get(f"{PATH}/acme/app").json()
    assert (shown["state"], shown["can_write"], shown["can_admin"]) == ("MIRROR", False, True)


def test_a_scope_caps_what_the_account_may(
    make_api: Callable[..., APIClient], owner: User, repository: Repository
) -> None:
    shown = make_api(owner, scopes=["repo:read"]).get(f"{PATH}/acme/app").json()
    assert (shown["can_write"], shown["can_admin"]) == (False, False)
