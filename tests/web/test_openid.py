"""Signing in with OpenID Connect, with a real provider on the other side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from mirrors.models import LogEntry, Namespace, User
from mirrors.services.accounts.openid import namespace_name
from tests.fixtures.openid_provider import OTHER_KEY, OpenIDProvider
from tests.web.conftest import signed_in

pytestmark = pytest.mark.django_db
BACKENDS = ["mirrors.services.accounts.sign_in.PasswordBackend", "mirrors.services.accounts.openid.OpenIDBackend"]


@pytest.fixture
def provider(settings: Settings) -> Iterator[OpenIDProvider]:
    """A provider that the farm is set up for."""
    provider = OpenIDProvider()
    for name, value in provider.settings().items():
        setattr(settings, name, value)
    settings.AUTHENTICATION_BACKENDS = BACKENDS
    try:
        yield provider
    finally:
        provider.stop()


def sign_in(browser: Client | None = None, *, then: str = "") -> tuple[Client, HttpResponse]:
    """To the provider, where the person agrees, and back."""
    browser = browser or Client()
    begun = browser.get("/oidc/authenticate", {"next": then} if then else {})
    assert begun.status_code == 302
    agreed = requests.get(begun.url, allow_redirects=False, timeout=5)
    back = urlsplit(agreed.headers["Location"])
    return browser, browser.get(f"{back.path}?{back.query}")


def test_it_is_off_until_a_provider_is_set_up() -> None:
    assert "Sign in with" not in Client().get("/signin").text
    assert Client().get("/oidc/authenticate").status_code == 404
    assert Client().get("/oidc/callback").status_code == 404


def test_the_sign_in_page_offers_it(provider: OpenIDProvider) -> None:
    page = Client().get("/signin?next=/repository%3Fx%3D1")
    assert "Sign in with Acme ID" in page.text
    assert 'href="/oidc/authenticate?next=/repository%3Fx%3D1"' in page.text


def test_whoever_signs_in_for_the_first_time_gets_an_account(provider: OpenIDProvider) -> None:
    browser, response = sign_in()
    assert response.url == "/repository"
    user = User.objects.get()
    assert (user.username, user.email, user.openid_subject) == ("ada", "ada@example.com", "subject-1")
    assert not user.has_usable_password()
    assert not user.is_superuser
    assert Namespace.objects.filter(name="ada", user=user).exists()
    assert browser.get("/api/v1/user/").json()["username"] == "ada"
    kinds = list(LogEntry.objects.order_by("pk").values_list("kind", "performer_name"))
    assert kinds == [("user_create", "ada"), ("login_success", "ada")]
    assert LogEntry.objects.get(kind="login_success").metadata["type"] == "oidc"


def test_the_same_person_has_the_same_account_whatever_name_and_address_change_to(provider: OpenIDProvider) -> None:
    sign_in()
    provider.claims |= {"preferred_username": "countess", "email": "new@example.com"}
    browser, _ = sign_in()
    assert User.objects.count() == 1
    assert browser.get("/api/v1/user/").json()["username"] == "ada"


def test_it_leads_back_to_the_page_that_was_asked_for_and_to_no_other_site(provider: OpenIDProvider) -> None:
    assert sign_in(then="/new-repository")[1].url == "/new-repository"
    assert sign_in(then="https://evil.example.com/")[1].url == "/repository"


def test_nobody_gets_an_existing_account_by_its_name_or_its_address(
    provider: OpenIDProvider, make_user: Callable[..., User], organization: Namespace
) -> None:
    make_user("ada", is_superuser=True)
    browser, _ = sign_in()
    assert browser.get("/api/v1/user/").json()["username"] == "ada-2"
    provider.claims |= {"sub": "subject-2", "preferred_username": "acme"}
    browser, _ = sign_in()
    assert browser.get("/api/v1/user/").json()["username"] == "acme-2"


def test_an_administrator_can_say_whose_account_it_is(
    provider: OpenIDProvider, make_user: Callable[..., User], settings: Settings
) -> None:
    settings.OIDC_CREATE_USER = False
    _, refused = sign_in()
    assert (refused.status_code, "no account here is yours" in refused.text) == (403, True)
    make_user("augusta", openid_subject="subject-1")
    browser, _ = sign_in()
    assert browser.get("/api/v1/user/").json()["username"] == "augusta"


def test_who_is_switched_off_here_is_not_signed_in(provider: OpenIDProvider) -> None:
    sign_in()
    User.objects.update(is_active=False)
    browser, response = sign_in()
    assert response.status_code == 403
    assert browser.get("/api/v1/user/").status_code == 401


@pytest.mark.parametrize(
    "token_claims",
    [
        {"aud": "another-client"},
        {"aud": ["one", "two"]},
        {"iss": "https://evil.example.com"},
        {"nonce": "another"},
        {"sub": "somebody-else"},
    ],
)
def test_a_token_that_was_not_made_for_this_sign_in_is_refused(
    provider: OpenIDProvider, token_claims: dict[str, Any]
) -> None:
    provider.token_claims = token_claims
    _, response = sign_in()
    assert response.status_code == 403
    assert not User.objects.exists()


def test_an_expired_token_is_refused(provider: OpenIDProvider) -> None:
    provider.token_claims = {"exp": 1}
    assert sign_in()[1].status_code == 502
    assert not User.objects.exists()


def test_a_token_that_another_key_has_signed_is_refused(provider: OpenIDProvider) -> None:
    provider.key = OTHER_KEY
    assert sign_in()[1].status_code == 403
    assert not User.objects.exists()


@pytest.mark.parametrize("subject", ["", None, 7, "x" * 256])
def test_who_has_no_usable_identifier_gets_no_account(provider: OpenIDProvider, subject: Any) -> None:
    provider.userinfo_claims = {"sub": subject}
    assert sign_in()[1].status_code == 403
    assert not User.objects.exists()


def test_a_provider_that_fails_is_said_and_its_answer_is_not_repeated(
    provider: OpenIDProvider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.token_status = 500
    _, response = sign_in()
    assert response.status_code == 502
    assert "Acme ID did not answer as it should" in response.text
    assert "invalid_grant" not in response.text + caplog.text


def test_an_answer_cannot_be_used_in_another_browser_or_twice(provider: OpenIDProvider) -> None:
    begun = Client().get("/oidc/authenticate")
    back = requests.get(begun.url, allow_redirects=False, timeout=5).headers["Location"]
    address = f"{urlsplit(back).path}?{urlsplit(back).query}"
    assert Client().get(address).status_code == 403
    browser, _ = sign_in()
    assert browser.get("/oidc/callback?code=x&state=y").status_code == 403
    assert Client().get("/oidc/callback").status_code == 403
    assert Client().get("/oidc/callback?error=access_denied").status_code == 403


def test_a_code_beside_a_password_is_not_looked_at(provider: OpenIDProvider, owner: User) -> None:
    response = Client().post("/signin?code=x&state=y", {"username": "owner", "password": "wrong"})
    assert response.status_code == 422
    assert provider.requests == []


def test_the_session_gets_a_new_key(provider: OpenIDProvider, owner: User) -> None:
    browser = signed_in(owner)
    before = browser.cookies["mirrorfarm_session"].value
    sign_in(browser)
    assert browser.cookies["mirrorfarm_session"].value != before
    assert browser.get("/api/v1/user/").json()["username"] == "ada"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ada Lovelace", "ada-lovelace"),
        ("ada.lovelace@example.com", "ada.lovelace"),
        ("Ádá__Lövelace!", "ada-lovelace"),
        ("-.ada.-", "ada"),
        ("CORP\\ada", "corp-ada"),
        ("x" * 300, "x" * 64),
        ("李", ""),
        ("a", ""),
        (None, ""),
        (7, ""),
    ],
)
def test_names_from_elsewhere_follow_the_grammar_of_namespaces(text: Any, name: str) -> None:
    assert namespace_name(text) == name


def test_a_name_of_which_nothing_stays_is_replaced(provider: OpenIDProvider) -> None:
    provider.claims = {"sub": "subject-3", "preferred_username": "李", "email": "李@example.com"}
    sign_in()
    assert User.objects.get().username == "user"
