"""OAuth applications of an organization, and the tokens made in their names."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mirrors.models import AccessToken, Application, LogEntry, Namespace, User
from mirrors.services.accounts import access_tokens, applications
from tests.api.conftest import APIClient

pytestmark = pytest.mark.django_db
PATH = "/api/v1/organization/acme/applications"
NEW = {"name": "ci", "description": "Builds", "application_uri": "https://ci.example.com", "redirect_uri": ""}


@pytest.fixture
def client_id(api: APIClient) -> str:
    """The client id of the application `ci`."""
    return str(api.post(PATH, NEW).json()["client_id"])


def test_an_application_is_made_with_an_id_and_a_secret_and_answered_with_200(api: APIClient) -> None:
    response = api.post(PATH, NEW)
    body = response.json()
    assert response.status_code == 200
    assert body == NEW | {
        "client_id": body["client_id"],
        "client_secret": body["client_secret"],
        "avatar_email": None,
    }
    assert len(body["client_id"]) == 20
    assert len(body["client_secret"]) == 40
    assert api.get(PATH).json() == {"applications": [body]}
    assert api.get(f"{PATH}/{body['client_id']}").json() == body


def test_a_name_is_enough(api: APIClient) -> None:
    body = api.post(PATH, {"name": "ci"}).json()
    assert (body["description"], body["application_uri"], body["redirect_uri"]) == ("", "", "")


def test_the_secret_is_encrypted_at_rest(api: APIClient, client_id: str) -> None:
    secret = api.get(f"{PATH}/{client_id}").json()["client_secret"]
    assert secret not in str(Application.objects.values().get())


def test_an_application_is_changed(api: APIClient, client_id: str) -> None:
    change = {"name": "cd", "redirect_uri": "https://cd.example.com/back?x=1", "application_uri": ""}
    body = api.put(f"{PATH}/{client_id}", change).json()
    assert {name: body[name] for name in change} == change
    assert body["description"] == "", "left out, it is emptied"
    assert body["client_id"] == client_id


@pytest.mark.parametrize("missing", ["name", "redirect_uri", "application_uri"])
def test_a_change_gives_all_that_quay_asks_for(api: APIClient, client_id: str, missing: str) -> None:
    body = {name: value for name, value in NEW.items() if name != missing}
    response = api.put(f"{PATH}/{client_id}", body)
    assert (response.status_code, response.json()["detail"]) == (400, f"'{missing}' is a required property")


@pytest.mark.parametrize(
    "redirect_uri",
    ["javascript:alert(1)", "ftp://x/y", "/oauth", "https://", "https://me@evil.example.com/", "https://x/#y", "x y"],
)
def test_a_redirect_address_is_a_web_address(api: APIClient, redirect_uri: str) -> None:
    response = api.post(PATH, {"name": "ci", "redirect_uri": redirect_uri})
    assert response.status_code == 400
    assert response.json()["detail"].startswith("redirect_uri must be an http or https address")


def test_a_description_has_a_bounded_length(api: APIClient, organization: Namespace) -> None:
    refused = api.post(PATH, {"name": "long", "description": "x" * 25_001})
    assert (refused.status_code, refused.json()["error_type"]) == (400, "invalid_request")
    assert api.post(PATH, {"name": "long", "description": "x" * 25_000}).status_code == 200


def test_two_applications_of_an_organization_have_different_names(api: APIClient, client_id: str) -> None:
    response = api.post(PATH, NEW)
    assert (response.status_code, response.json()["detail"]) == (400, "acme has an application named ci already.")
    assert api.post(PATH, {"name": " "}).json()["detail"] == "Give the application a name of printable characters."


def test_a_new_secret_replaces_the_old_one(api: APIClient, client_id: str) -> None:
    before = api.get(f"{PATH}/{client_id}").json()["client_secret"]
    after = api.post(f"{PATH}/{client_id}/resetclientsecret").json()["client_secret"]
    assert after != before
    assert api.get(f"{PATH}/{client_id}").json()["client_secret"] == after


def test_a_token_acts_as_who_made_it_until_the_application_goes(api: APIClient, client_id: str) -> None:
    response = api.post(f"{PATH}/{client_id}/tokens", {"name": " nightly ", "scope": "user:read, repo:read"})
    body = response.json()
    assert response.status_code == 200
    assert (body["name"], body["scope"], body["created_by"]) == ("nightly", "user:read repo:read", "owner")
    holder = APIClient(body["token"])
    assert holder.get("/api/v1/user/").json()["username"] == "owner"
    assert holder.get(PATH).status_code == 403, "its scopes cap what the owner may"
    assert api.send("DELETE", f"{PATH}/{client_id}").status_code == 204
    assert holder.get("/api/v1/user/").status_code == 401


def test_tokens_are_listed_without_their_text_and_revoked_one_by_one(api: APIClient, client_id: str) -> None:
    made = [api.post(f"{PATH}/{client_id}/tokens", {"name": n, "scope": "user:read"}).json() for n in ("one", "two")]
    APIClient(made[0]["token"]).get("/api/v1/user/")
    listed = api.get(f"{PATH}/{client_id}/tokens").json()
    assert [token["name"] for token in listed["tokens"]] == ["two", "one"]
    assert [token["last_accessed"] is None for token in listed["tokens"]] == [True, False]
    assert "token" not in listed["tokens"][0]
    assert api.send("DELETE", f"{PATH}/{client_id}/tokens/{made[0]['uuid']}").status_code == 204
    assert APIClient(made[0]["token"]).get("/api/v1/user/").status_code == 401
    assert APIClient(made[1]["token"]).get("/api/v1/user/").status_code == 200
    assert api.send("DELETE", f"{PATH}/{client_id}/tokens/{made[0]['uuid']}").status_code == 404
    assert api.send("DELETE", f"{PATH}/{client_id}/tokens/x").status_code == 404


def test_many_tokens_come_page_by_page(api: APIClient, client_id: str, owner: User) -> None:
    application = Application.objects.get()
    for number in range(60):
        applications.issue_token(application, to=owner, scopes=["user:read"], name=f"t{number}")
    first = api.get(f"{PATH}/{client_id}/tokens").json()
    second = api.get(f"{PATH}/{client_id}/tokens", next_page=first["next_page"]).json()
    names = [token["name"] for token in first["tokens"] + second["tokens"]]
    assert names == [f"t{number}" for number in reversed(range(60))]
    assert "next_page" not in second


@pytest.mark.parametrize("scope", ["repo:read repo:wipe", "", "everything", "REPO:READ"])
def test_one_unknown_scope_voids_the_whole_set(api: APIClient, client_id: str, scope: str) -> None:
    response = api.post(f"{PATH}/{client_id}/tokens", {"name": "x", "scope": scope})
    assert response.status_code == 400
    assert "The scope is not valid" in response.json()["detail"]
    assert not AccessToken.objects.filter(application__client_id=client_id).exists()


def test_a_token_cannot_make_a_stronger_one(api: APIClient, client_id: str) -> None:
    response = api.post(f"{PATH}/{client_id}/tokens", {"name": "x", "scope": "repo:read super:user"})
    assert response.status_code == 403
    assert "super:user" in response.json()["detail"]
    assert not AccessToken.objects.filter(application__client_id=client_id).exists()


def test_a_token_lives_as_long_as_asked_and_ten_years_at_most(api: APIClient, client_id: str) -> None:
    path = f"{PATH}/{client_id}/tokens"
    for expiration, lifetime in ((60, timedelta(seconds=60)), (10**12, access_tokens.LIFETIME)):
        api.post(path, {"name": str(expiration), "scope": "user:read", "expiration": expiration})
        token = AccessToken.objects.get(name=str(expiration))
        assert abs((token.expires_at or timezone.now()) - timezone.now() - lifetime) < timedelta(minutes=1)
    assert api.post(path, {"name": "x", "scope": "user:read", "expiration": 0}).status_code == 400


def test_an_expired_token_opens_nothing(api: APIClient, client_id: str) -> None:
    made = api.post(f"{PATH}/{client_id}/tokens", {"name": "x", "scope": "user:read"}).json()
    AccessToken.objects.filter(pk=made["uuid"]).update(expires_at=timezone.now())
    assert APIClient(made["token"]).get("/api/v1/user/").status_code == 401


def requests_of(client_id: str) -> list[tuple[str, str, Any]]:
    """Every method of every address."""
    application = f"{PATH}/{client_id}"
    token = {"name": "x", "scope": "user:read"}
    return [
        ("GET", PATH, None),
        ("POST", PATH, NEW | {"name": "other"}),
        ("GET", application, None),
        ("PUT", application, NEW),
        ("DELETE", application, None),
        ("POST", f"{application}/resetclientsecret", None),
        ("GET", f"{application}/tokens", None),
        ("POST", f"{application}/tokens", token),
        ("DELETE", f"{application}/tokens/1", None),
    ]


@pytest.mark.parametrize("name", ["stranger_api", "member_api"])
def test_only_administrators_have_anything_to_do_with_applications(
    client_id: str, name: str, request: pytest.FixtureRequest
) -> None:
    other: APIClient = request.getfixturevalue(name)
    for method, path, body in requests_of(client_id):
        response = other.send(method, path, json.dumps(body))
        assert response.status_code == 403, (method, path)
    assert Application.objects.get().name == "ci"


def test_anonymous_callers_are_asked_to_sign_in(client_id: str, anonymous_api: APIClient) -> None:
    assert anonymous_api.get(PATH).status_code == 401
    assert anonymous_api.get(f"{PATH}/{client_id}/tokens").status_code == 401


def test_a_read_only_superuser_sees_no_secret_and_changes_nothing(
    client_id: str, make_user: Callable[..., User], make_api: Callable[..., APIClient]
) -> None:
    auditor = make_api(make_user("auditor", is_readonly_superuser=True), scopes=["org:admin", "super:user"])
    assert auditor.get(PATH).json()["applications"][0]["client_secret"] is None
    assert auditor.get(f"{PATH}/{client_id}").json()["client_secret"] is None
    assert auditor.get(f"{PATH}/{client_id}/tokens").status_code == 200
    assert auditor.post(f"{PATH}/{client_id}/resetclientsecret").status_code == 403


def test_the_application_of_one_organization_is_not_found_in_another(
    api: APIClient, client_id: str, owner: User
) -> None:
    assert api.post("/api/v1/organization/", {"name": "initech"}).status_code == 201
    assert api.get(f"/api/v1/organization/initech/applications/{client_id}").status_code == 404


def test_an_organization_that_does_not_exist_looks_like_a_forbidden_one(
    api: APIClient, make_api: Callable[..., APIClient], superuser: User
) -> None:
    assert api.get("/api/v1/organization/nowhere/applications").status_code == 403
    everything = make_api(superuser, scopes=["org:admin", "super:user"])
    assert everything.get("/api/v1/organization/nowhere/applications").status_code == 404


def test_the_list_takes_the_same_queries_for_two_and_for_twenty(api: APIClient, organization: Namespace) -> None:
    counts = []
    for number in (2, 18):
        for position in range(number):
            applications.create_application(organization, {"name": f"app {number} {position}"})
        api.get(PATH)
        with CaptureQueriesContext(connection) as queries:
            api.get(PATH)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_everything_is_in_the_audit_log_and_no_secret(api: APIClient, client_id: str) -> None:
    secret = api.get(f"{PATH}/{client_id}").json()["client_secret"]
    token = api.post(f"{PATH}/{client_id}/tokens", {"name": "nightly", "scope": "user:read"}).json()
    api.put(f"{PATH}/{client_id}", NEW)
    api.send("DELETE", f"{PATH}/{client_id}/tokens/{token['uuid']}")
    api.post(f"{PATH}/{client_id}/resetclientsecret")
    api.send("DELETE", f"{PATH}/{client_id}")
    entries = LogEntry.objects.filter(namespace_name="acme").order_by("pk")
    kinds = [entry.kind for entry in entries if "application" in entry.kind or "token" in entry.kind]
    assert kinds == [
        "create_application",
        "create_oauth_api_token",
        "update_application",
        "revoke_oauth_api_token",
        "reset_application_client_secret",
        "delete_application",
    ]
    made = entries.get(kind="create_oauth_api_token").metadata
    assert (made["token_display_name"], made["scope"], made["client_id"]) == ("nightly", "user:read", client_id)
    assert (entries[0].performer_name, made["application_name"]) == ("owner", "ci")
    for text in (secret, token["token"]):
        assert text not in str(list(entries.values()))
