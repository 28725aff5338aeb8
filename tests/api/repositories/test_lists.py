"""GET /v1/repository, and starred repositories."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mirrors.models import Mirror, Namespace, Repository, Sync, User
from tests.api.conftest import APIClient

PATH = "/api/v1/repository"
STARRED = "/api/v1/user/starred"


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [f"{each['namespace']}/{each['name']}" for each in answer.json()["repositories"]]


@pytest.fixture
def several(organization: Namespace, stranger: User) -> Namespace:
    """Private acme/app, public acme/shown, public and private ones of stranger."""
    for namespace, name, visibility in (
        (organization, "app", "private"),
        (organization, "shown", "public"),
        (stranger.namespace, "mine", "private"),
        (stranger.namespace, "open", "public"),
    ):
        Repository.objects.create(namespace=namespace, name=name, visibility=visibility, description=f"About {name}")
    return organization


def test_a_line_has_what_clients_read(api: APIClient, several: Namespace) -> None:
    assert api.get(PATH, namespace="acme").json()["repositories"][0] == {
        "namespace": "acme",
        "name": "app",
        "description": "About app",
        "is_public": False,
        "kind": "image",
        "state": "NORMAL",
        "is_starred": False,
    }


@pytest.mark.parametrize(
    ("query", "of_owner", "of_stranger", "of_nobody"),
    [
        ({"namespace": "acme"}, ["acme/app", "acme/shown"], [], []),
        ({"namespace": "acme", "public": "true"}, ["acme/app", "acme/shown"], ["acme/shown"], ["acme/shown"]),
        (
            {"public": "true"},
            ["acme/app", "acme/shown", "stranger/open"],
            ["acme/shown", "stranger/mine", "stranger/open"],
            ["acme/shown", "stranger/open"],
        ),
        ({"namespace": "acme", "public": "false", "starred": "false"}, ["acme/app", "acme/shown"], [], []),
        ({"namespace": "nowhere", "public": "true"}, [], [], []),
        ({"namespace": "acme", "repo_kind": "image"}, ["acme/app", "acme/shown"], [], []),
        ({"namespace": "acme", "repo_kind": "application"}, [], [], []),
    ],
)
def test_everyone_is_shown_what_they_may_see(
    api: APIClient,
    stranger_api: APIClient,
    anonymous_api: APIClient,
    several: Namespace,
    query: dict[str, str],
    of_owner: list[str],
    of_stranger: list[str],
    of_nobody: list[str],
) -> None:
    assert names(api.get(PATH, **query)) == of_owner
    assert names(stranger_api.get(PATH, **query)) == of_stranger
    assert names(anonymous_api.get(PATH, **query)) == of_nobody


def test_superusers_of_both_kinds_are_shown_everything(
    make_api: Callable[..., APIClient], make_user: Callable[..., User], superuser: User, several: Namespace
) -> None:
    auditor = make_user("auditor", is_readonly_superuser=True)
    for user in (superuser, auditor):
        powerful = make_api(user, scopes=["repo:read", "super:user"])
        assert names(powerful.get(PATH, namespace="acme")) == ["acme/app", "acme/shown"]
        assert names(make_api(user, scopes=["repo:read"]).get(PATH, namespace="acme")) == []


def test_a_token_without_the_scope_counts_as_nobody(
    make_api: Callable[..., APIClient], owner: User, several: Namespace
) -> None:
    scopeless = make_api(owner, scopes=["org:admin"])
    assert names(scopeless.get(PATH, public="true")) == ["acme/shown", "stranger/open"]
    assert "is_starred" not in scopeless.get(PATH, public="true").json()["repositories"][0]


@pytest.mark.parametrize("query", [{}, {"last_modified": "true"}, {"public": "false"}, {"starred": "0"}])
def test_one_of_the_filters_is_asked_for(api: APIClient, query: dict[str, str]) -> None:
    answer = api.get(PATH, **query)
    assert (answer.status_code, answer.json()["message"]) == (
        400,
        "namespace, starred or public are required for this API call",
    )


def test_a_hundred_and_first_repository_is_on_the_next_page(api: APIClient, organization: Namespace) -> None:
    Repository.objects.bulk_create(Repository(namespace=organization, name=f"r{number:03}") for number in range(205))

    pages = [api.get(PATH, namespace="acme")]
    while token := pages[-1].json().get("next_page"):
        pages.append(api.get(PATH, namespace="acme", next_page=token))

    assert [len(names(page)) for page in pages] == [100, 100, 5]
    assert sorted(name for page in pages for name in names(page)) == [f"acme/r{number:03}" for number in range(205)]


def test_the_way_to_the_next_page_is_valid_for_two_days(api: APIClient, organization: Namespace) -> None:
    Repository.objects.bulk_create(Repository(namespace=organization, name=f"r{number:03}") for number in range(101))
    token = api.get(PATH, namespace="acme").json()["next_page"]

    now = datetime.now(UTC)
    with time_machine.travel(now + timedelta(days=2, seconds=-5)):
        assert len(names(api.get(PATH, namespace="acme", next_page=token))) == 1
    with time_machine.travel(now + timedelta(days=2, seconds=5)):
        answer = api.get(PATH, namespace="acme", next_page=token)
    assert (answer.status_code, answer.json()["error_type"]) == (400, "invalid_request")
    for bad in ("x", token[:-1], token + "x", "\0"):
        assert api.get(PATH, namespace="acme", next_page=bad).status_code == 400


def test_the_last_change_of_each_is_told_on_request(
    api: APIClient, make_mirror: Callable[..., Mirror], organization: Namespace
) -> None:
    mirror = make_mirror("app")
    for tags_copied in (2, 0):  # the later one changed nothing
        sync = Sync.objects.create(mirror=mirror)
        sync.start(worker="w1", snapshot={})
        sync.succeed(message="Done.", tags_copied=tags_copied)
    Repository.objects.create(namespace=organization, name="never")
    changed = Sync.objects.get(tags_copied=2).finished_at
    assert changed is not None

    answer = api.get(PATH, namespace="acme", last_modified="true", popularity="true").json()

    found = {each["name"]: (each["last_modified"], each["popularity"]) for each in answer["repositories"]}
    assert found == {"app": (int(changed.timestamp()), 0), "never": (None, 0)}


def test_a_list_takes_as_many_queries_for_many_repositories_as_for_few(
    api: APIClient, make_mirror: Callable[..., Mirror], owner: User
) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            names(api.get(PATH, namespace="acme", last_modified="true"))
            names(api.get(PATH, starred="true"))
        return len(queries)

    def add(first: int, last: int) -> None:
        for number in range(first, last):
            owner.starred.add(make_mirror(f"r{number}").repository)

    add(0, 2)
    api.get(PATH, public="true")  # notes the use of the token
    few = count()
    add(2, 20)
    assert count() == few


def test_stars_are_set_listed_and_taken_away(api: APIClient, stranger_api: APIClient, several: Namespace) -> None:
    star = {"namespace": "acme", "repository": "app"}
    for _ in range(2):
        answer = api.post(STARRED, star)
        assert (answer.status_code, answer.json()) == (201, star)
    assert stranger_api.post(STARRED, {"namespace": "acme", "repository": "shown"}).status_code == 201

    assert names(api.get(STARRED)) == names(api.get(PATH, starred="true")) == ["acme/app"]
    assert [each["is_starred"] for each in api.get(PATH, namespace="acme").json()["repositories"]] == [True, False]
    assert api.get(f"{PATH}/acme/app").json()["is_starred"] is True
    assert names(stranger_api.get(STARRED)) == ["acme/shown"]

    for _ in range(2):
        assert api.send("DELETE", f"{STARRED}/acme/app").status_code == 204
    assert names(api.get(STARRED)) == []


def test_what_one_may_not_see_is_not_starred(
    api: APIClient, stranger_api: APIClient, anonymous_api: APIClient, stranger: User, several: Namespace
) -> None:
    for name in ("app", "missing", "\0"):
        assert stranger_api.post(STARRED, {"namespace": "acme", "repository": name}).status_code in (400, 404)
    assert stranger_api.send("DELETE", f"{STARRED}/acme/app").status_code == 404
    assert anonymous_api.get(STARRED).status_code == 401
    assert anonymous_api.get(PATH, starred="true").status_code == 401

    hidden = Repository.objects.get(name="shown")
    stranger.starred.add(hidden)
    Repository.objects.filter(pk=hidden.pk).update(visibility="private")
    assert names(stranger_api.get(STARRED)) == []
    assert stranger_api.send("DELETE", f"{STARRED}/acme/shown").status_code == 204
    assert not stranger.starred.exists()
