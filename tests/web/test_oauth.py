"""Granting an application scopes in the browser, and all the ways in which no token is made."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from pytest_django import Settings

from mirrors.models import AccessToken, Application, Namespace, User
from mirrors.services.accounts import access_tokens, applications
from mirrors.web.security import CONTENT_SECURITY_POLICY
from tests.web.conftest import signed_in

pytestmark = pytest.mark.django_db
AUTHORIZE, ACCEPT, DENY = "/oauth/authorize", "/oauth/authorizeapp", "/oauth/denyapp"
HERE = "http://testserver/oauth/localapp"
REGISTERED = "https://ci.example.com/back"


@pytest.fixture
def application(organization: Namespace) -> Application:
    """`ci` of `acme`, registered with REGISTERED."""
    return applications.create_application(organization, {"name": "ci", "redirect_uri": REGISTERED})


@pytest.fixture
def asked(application: Application) -> dict[str, str]:
    """What the application asks for."""
    return {
        "response_type": "token",
        "client_id": application.client_id,
        "redirect_uri": REGISTERED,
        "scope": "repo:read,repo:create",
        "state": "a/b c",
    }


def fragment(location: str) -> dict[str, str]:
    """The values behind the #."""
    return {name: values[0] for name, values in parse_qs(urlsplit(location).fragment).items()}


def test_the_page_says_who_asks_and_for_what(client: Client, asked: dict[str, str]) -> None:
    page = client.get(AUTHORIZE, asked)
    assert page.status_code == 200
    for text in ("ci", "acme", "owner", "See your repositories and pull", "Create repositories", REGISTERED):
        assert text in page.text
    assert "Administer" not in page.text.split("<main")[1]
    assert "no-store" in page.headers["Cache-Control"]
    assert not AccessToken.objects.exists()


def test_allowing_makes_the_token_without_javascript(owner: User, asked: dict[str, str]) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner)
    page = browser.get(AUTHORIZE, asked)
    values = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text.split("<main")[1]))
    response = browser.post(ACCEPT, values)
    assert response.status_code == 302, response.text
    assert response.url.startswith(f"{REGISTERED}#access_token=")
    answer = fragment(response.url)
    lifetime = int(access_tokens.LIFETIME.total_seconds())
    assert (answer["token_type"], answer["expires_in"], answer["state"]) == ("Bearer", str(lifetime), "a/b c")
    token = AccessToken.objects.get()
    assert token.token_hash == AccessToken.hash_of(answer["access_token"])
    assert token.scope_set == {"repo:read", "repo:create"}
    assert (token.user, token.application_id, token.name) == (owner, Application.objects.get().pk, "ci")
    assert token.expires_at is not None


def test_the_browser_may_follow_the_form_to_the_application_and_nowhere_else(
    client: Client, asked: dict[str, str]
) -> None:
    policy = client.get(AUTHORIZE, asked).headers["Content-Security-Policy"]
    assert "form-action 'self' https://ci.example.com;" in policy
    assert "script-src 'self';" in policy
    assert "form-action 'self';" in client.get("/repository").headers["Content-Security-Policy"]


@pytest.mark.parametrize("host", ["łódź.example", "a;script-src *"])
def test_no_address_of_an_application_takes_the_policy_away(client: Client, asked: dict[str, str], host: str) -> None:
    Application.objects.update(redirect_uri=f"https://{host}/cb")
    response = client.get(AUTHORIZE, asked | {"redirect_uri": f"https://{host}/cb"})
    assert response.status_code == 200
    assert response.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY


def test_not_allowing_tells_the_application_and_makes_nothing(client: Client, asked: dict[str, str]) -> None:
    response = client.post(DENY, asked)
    assert response.url.startswith(f"{REGISTERED}#")
    assert fragment(response.url) == {"error": "access_denied", "state": "a/b c"}
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize(
    ("changes", "code", "sentence"),
    [
        ({"client_id": "NOSUCHCLIENT"}, "invalid_client", "There is no application with that client_id."),
        ({"client_id": ""}, "invalid_client", "There is no application with that client_id."),
        ({"redirect_uri": "https://evil.example.com/"}, "invalid_request", "redirect_uri is neither"),
        ({"redirect_uri": f"{REGISTERED}/more"}, "invalid_request", "redirect_uri is neither"),
        ({"redirect_uri": f"{REGISTERED}.evil.example.com"}, "invalid_request", "redirect_uri is neither"),
        ({"redirect_uri": "https://elsewhere.example.com/oauth/localapp"}, "invalid_request", "redirect_uri is"),
        ({"redirect_uri": ""}, "invalid_request", "redirect_uri is neither"),
        ({"scope": "repo:read repo:wipe"}, "invalid_scope", "The scope is not valid, so that no token is made."),
        ({"scope": ""}, "invalid_scope", "The scope is not valid"),
        ({"response_type": "code"}, "unsupported_response_type", "response_type must be token"),
        ({"state": "\0"}, "invalid_request", "A value has a character that none of them has."),
    ],
)
@pytest.mark.parametrize("path", [AUTHORIZE, ACCEPT, DENY])
def test_a_request_that_is_not_right_is_explained_and_sent_nowhere(
    client: Client, asked: dict[str, str], path: str, changes: dict[str, str], code: str, sentence: str
) -> None:
    send: Any = client.get if path == AUTHORIZE else client.post
    program = send(path, asked | changes, headers={"Accept": "*/*"})
    assert program.status_code == 400
    assert program.json()["error"] == code
    assert program.json()["error_description"].startswith(sentence)
    browser = send(path, asked | changes, headers={"Accept": "text/html,*/*;q=0.8"})
    assert browser.status_code == 400
    assert sentence in browser.text
    assert "Location" not in browser.headers
    assert not AccessToken.objects.exists()


def test_this_servers_own_page_is_open_to_every_application(client: Client, asked: dict[str, str]) -> None:
    response = client.post(ACCEPT, asked | {"redirect_uri": HERE})
    assert response.url.startswith(f"{HERE}#access_token=")


def test_the_own_page_over_tls_is_not_left_for_plain_http(client: Client, asked: dict[str, str]) -> None:
    assert client.post(ACCEPT, asked | {"redirect_uri": HERE}, secure=True).status_code == 400
    secure = HERE.replace("http:", "https:")
    assert client.post(ACCEPT, asked | {"redirect_uri": secure}, secure=True).status_code == 302


def test_the_own_page_is_known_by_the_public_address_too(
    client: Client, asked: dict[str, str], settings: Settings
) -> None:
    settings.PUBLIC_URL = "https://farm.example.com"
    public = asked | {"redirect_uri": "https://farm.example.com/oauth/localapp"}
    assert client.post(ACCEPT, public).status_code == 302


def test_an_application_without_a_registered_address_gets_no_empty_one(client: Client, asked: dict[str, str]) -> None:
    Application.objects.update(redirect_uri="")
    assert client.post(ACCEPT, asked | {"redirect_uri": ""}).status_code == 400


def test_who_is_not_signed_in_is_asked_to_and_comes_back(asked: dict[str, str]) -> None:
    response = Client().get(AUTHORIZE, asked)
    assert response.url.startswith("/signin?next=/oauth/authorize%3F")
    refused = Client().post(ACCEPT, asked)
    assert (refused.status_code, refused.json()["error"]) == (401, "login_required")


def test_an_access_token_makes_no_further_tokens_here(owner: User, asked: dict[str, str]) -> None:
    _, text = access_tokens.issue_token(owner, name="x", scopes=["user:admin"])
    response = Client().post(ACCEPT, asked, headers={"Authorization": f"Bearer {text}"})
    assert response.status_code == 401


def test_a_form_from_elsewhere_makes_no_token(owner: User, asked: dict[str, str]) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner)
    page = browser.post(ACCEPT, asked, headers={"Accept": "text/html"})
    assert (page.status_code, "The form has expired" in page.text) == (403, True)
    program = browser.post(ACCEPT, asked | {"_csrf_token": "x" * 64}, headers={"Accept": "application/json"})
    assert (program.status_code, program.json()["error"]) == (403, "CSRF token was invalid or missing.")
    assert not AccessToken.objects.exists()


def test_names_and_values_are_shown_as_text(owner: User, organization: Namespace, asked: dict[str, str]) -> None:
    applications.change_application(Application.objects.get(), {"name": "<script>alert(1)</script>"})
    page = signed_in(owner).get(AUTHORIZE, asked | {"state": '"><script src=x>'})
    assert "<script>alert" not in page.text
    assert "<script src=x>" not in page.text


def test_the_page_for_tokens_says_where_the_token_is(client: Client) -> None:
    for browser in (client, Client()):
        page = browser.get("/oauth/localapp")
        assert page.status_code == 200
        assert "access_token=" in page.text
        assert "localapp.js" in page.text
        assert "no-store" in page.headers["Cache-Control"]
