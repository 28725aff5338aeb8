"""Signing in and out, and what people see who are not."""

from __future__ import annotations

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from mirrors.models import LogEntry, Mirror, User
from mirrors.services.accounts.sign_in_throttle import ACCOUNT_HERE
from tests.fixtures.domain import PASSWORD
from tests.web.conftest import HTMX, action, signed_in, tab

pytestmark = pytest.mark.django_db


def test_signing_in_leads_to_the_repositories(owner: User) -> None:
    browser = Client()
    response = browser.post(reverse("web:sign-in"), {"username": "owner", "password": PASSWORD}, follow=True)
    assert response.redirect_chain[-1][0] == reverse("web:repositories")
    assert "owner" in response.text


def test_signing_in_leads_back_to_the_page_that_was_asked_for(owner: User, mirror: Mirror) -> None:
    browser = Client()
    response = browser.get(tab(mirror.repository), follow=True)
    back = response.context["next"]
    response = browser.post(reverse("web:sign-in"), {"username": "owner", "password": PASSWORD, "next": back})
    assert response.url == tab(mirror.repository)


def test_signing_in_leads_to_no_other_site(owner: User) -> None:
    values = {"username": "owner", "password": PASSWORD, "next": "https://evil.example.com/"}
    assert Client().post(reverse("web:sign-in"), values).url == reverse("web:repositories")


def test_a_wrong_password_is_said_and_not_repeated(owner: User) -> None:
    response = Client().post(reverse("web:sign-in"), {"username": "owner", "password": "wrong-pass-word"})
    assert response.status_code == 422
    assert "Please enter a correct username and password" in response.text
    assert "wrong-pass-word" not in response.text


def test_signing_out_ends_the_session(client: Client) -> None:
    assert client.get(reverse("web:sign-out")).status_code == 405, "a link must not sign anyone out"
    client.post(reverse("web:sign-out"))
    assert client.get(reverse("web:repositories")).url.startswith(reverse("web:sign-in"))


def test_a_fragment_takes_people_whose_session_ended_to_sign_in(mirror: Mirror) -> None:
    response = Client().get(action("status", mirror.repository), **HTMX)
    assert response.headers["HX-Redirect"] == reverse("web:sign-in")
    assert "acme" not in response.text


@pytest.mark.parametrize("is_staff", [True, False])
def test_the_admin_is_offered_to_staff_alone(owner: User, is_staff: bool) -> None:
    User.objects.filter(pk=owner.pk).update(is_staff=is_staff)
    assert (reverse("admin:index") in signed_in(owner).get(reverse("web:repositories")).text) == is_staff


def test_the_theme_is_remembered_without_javascript(client: Client) -> None:
    back = reverse("web:create-repository")
    response = client.post(reverse("web:theme"), headers={"Referer": f"http://testserver{back}"})
    assert response.url == f"http://testserver{back}"
    assert 'class="pf-v6-theme-dark"' in client.get(back).text
    client.post(reverse("web:theme"))
    assert 'class="pf-v6-theme-dark"' not in client.get(back).text


def test_the_theme_switch_leads_to_no_other_site(client: Client) -> None:
    response = client.post(reverse("web:theme"), headers={"Referer": "https://evil.example.com/"})
    assert response.url == reverse("web:repositories")


@time_machine.travel(timezone.now(), tick=False)
def test_too_many_wrong_passwords_are_answered_with_a_pause(owner: User) -> None:
    browser = Client()
    for _ in range(ACCOUNT_HERE.free):
        assert browser.post(reverse("web:sign-in"), {"username": "owner", "password": "wrong"}).status_code == 422
    response = browser.post(reverse("web:sign-in"), {"username": "owner", "password": PASSWORD})
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) >= 1
    assert "Signing in has failed too often. Try again in" in response.text


def test_the_admin_sends_people_to_the_one_sign_in_page(owner: User, superuser: User) -> None:
    response = Client().get("/admin/", follow=True)
    assert [address for address, _ in response.redirect_chain] == [
        "/admin/login/?next=/admin/",
        "/signin?next=%2Fadmin%2F",
    ]
    assert signed_in(superuser).get("/admin/login/").url == "/admin/"
    assert signed_in(owner).get("/admin/", follow=True).status_code == 403


def test_the_csrf_token_for_programs_comes_with_its_cookie() -> None:
    response = Client().get("/csrf_token")
    assert len(response.json()["csrf_token"]) == 64
    assert "csrftoken" in response.cookies
    assert "no-store" in response.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "192.0.2.7", "127.0.0.1"),
        (1, "192.0.2.7", "192.0.2.7"),
        (1, "6.6.6.6, 192.0.2.7", "192.0.2.7"),
        (2, "6.6.6.6, 192.0.2.7, 10.0.0.1", "192.0.2.7"),
        (2, "192.0.2.7", "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, "unknown", "127.0.0.1"),
        (1, "2001:db8::7", "2001:db8::7"),
    ],
)
def test_behind_proxies_the_address_is_what_the_outermost_one_saw(
    owner: User, settings: Settings, proxies: int, forwarded: str, address: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    Client().post(reverse("web:sign-in"), {"username": "owner", "password": PASSWORD}, headers=headers)
    assert LogEntry.objects.get(kind="login_success").ip == address
