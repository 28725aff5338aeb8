"""What protects people's browsers: the content security policy, CSRF, error pages; and no secret in any page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.test import Client, RequestFactory
from django.urls import reverse
from django.views.defaults import server_error

from mirrors.models import AccessToken, Mirror, Registry, User
from mirrors.services.accounts import access_tokens
from mirrors.services.mirroring import mirrors
from tests.web.conftest import HTMX, action, signed_in, tab

TEMPLATES = Path(django_settings.BASE_DIR) / "templates"


def test_templates_hold_no_inline_script_and_no_inline_style() -> None:
    for template in TEMPLATES.rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text), template
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text)), template


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/signin", "/repository", "/nowhere", "/admin/login/"])
def test_every_page_forbids_foreign_and_inline_code(client: Client, address: str) -> None:
    policy = client.get(address).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.django_db
def test_a_form_without_its_token_changes_nothing_and_says_what_to_do(owner: User, mirror: Mirror) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner)
    response = browser.post(action("enabled", mirror.repository))
    assert response.status_code == 403
    assert "The form has expired" in response.text
    assert Mirror.objects.get().is_enabled


@pytest.mark.django_db
def test_a_wrong_address_gets_a_page_of_ours(client: Client) -> None:
    response = client.get("/nowhere")
    assert response.status_code == 404
    assert "There is no such page" in response.text
    assert reverse("web:repositories") in response.text


def test_the_page_for_our_own_faults_needs_nothing_that_may_be_broken() -> None:
    response = server_error(RequestFactory().get("/"))
    assert response.status_code == 500
    assert "Something went wrong here" in response.text


@pytest.mark.django_db
def test_no_page_holds_a_secret(superuser: User, mirror: Mirror) -> None:
    planted = {
        "source_username": "reader",
        "source_password": "planted-source-password",
        "http_proxy": "http://me:planted-proxy-password@proxy.example.com:3128",
        "https_proxy": "me:planted-https-password@proxy.example.com",
    }
    mirror = mirrors.change_mirror(mirror, planted)
    registry = Registry(name="target", address="registry.example.com")
    registry.username, registry.password = "writer", "planted-target-password"
    registry.http_proxy = "http://x:planted-registry-proxy@proxy.example.com"
    registry.save()
    token, text = access_tokens.issue_token(superuser, name="ci", scopes=["repo:read"])
    secrets = [value for name, value in planted.items() if name == "source_password"]
    secrets += ["planted-", mirror.robot.token, text, AccessToken.hash_of(text), superuser.password, "gAAAA"]
    browser = signed_in(superuser)
    for address in addresses(mirror, registry, token, superuser):
        page = browser.get(address)
        assert page.status_code == 200, address
        for secret in secrets:
            assert secret not in page.text, f"{secret[:12]}… in {address}"
    fragment = browser.get(action("status", mirror.repository), **HTMX).text
    refused = browser.post(tab(mirror.repository), planted | {"source_password": "planted-typed"}).text
    assert "planted-" not in fragment + refused.replace("planted-proxy-password", "").replace(
        "planted-https-password", ""
    )


def addresses(mirror: Mirror, registry: Registry, token: AccessToken, user: User) -> list[str]:
    """Every page that could show one, the admin's with them."""
    rows = {
        "mirror": mirror,
        "repository": mirror.repository,
        "namespace": mirror.repository.namespace,
        "robot": mirror.robot,
        "registry": registry,
        "accesstoken": token,
        "user": user,
    }
    admin = [reverse(f"admin:mirrors_{name}_changelist") for name in (*rows, "sync", "tagcopy")]
    admin += [reverse(f"admin:mirrors_{name}_change", args=(row.pk,)) for name, row in rows.items()]
    pages = [reverse("web:repositories"), tab(mirror.repository), tab(mirror.repository, "information")]
    return pages + admin
