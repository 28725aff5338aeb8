"""Signing in and out, and what people see who are not."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from mirrors.models import Mirror, User
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
