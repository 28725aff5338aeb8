"""Who may open what: the owner, who may pull, the stranger, and nobody."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from mirrors.models import Mirror, Repository, RepositoryPermission, User
from tests.fixtures.domain import join
from tests.web.conftest import action, signed_in, tab

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rung")]
ACTIONS = ("sync-now", "cancel", "enabled")
FRAGMENTS = ("status", "history")


@pytest.fixture
def answers(mirror: Mirror) -> Callable[[Client], dict[str, int]]:
    """The status of every page and button of a mirrored repository, for one browser."""

    def ask(browser: Client) -> dict[str, int]:
        repository = mirror.repository
        codes = {"information": browser.get(tab(repository, "information")).status_code}
        codes["mirroring"] = browser.get(tab(repository)).status_code
        codes["save"] = browser.post(tab(repository), {"tag_patterns": "stolen"}).status_code
        codes |= {name: browser.get(action(name, repository)).status_code for name in FRAGMENTS}
        return codes | {name: browser.post(action(name, repository)).status_code for name in ACTIONS}

    return ask


def test_who_administers_sees_and_changes_all(client: Client, answers: Callable[..., dict[str, int]]) -> None:
    assert answers(client) == {
        "information": 200,
        "mirroring": 200,
        "save": 422,
        **dict.fromkeys(FRAGMENTS + ACTIONS, 302),
    }


@pytest.mark.parametrize("role", ["read", "write", "public"])
def test_who_may_pull_sees_the_information_alone(
    stranger: User, mirror: Mirror, answers: Callable[..., dict[str, int]], role: str
) -> None:
    if role == "public":
        Repository.objects.update(visibility="public")
    else:
        RepositoryPermission.objects.create(repository=mirror.repository, user=stranger, role=role)
    browser = signed_in(stranger)
    assert answers(browser) == {
        "information": 200,
        "mirroring": 403,
        "save": 403,
        **dict.fromkeys(FRAGMENTS + ACTIONS, 403),
    }
    page = browser.get(tab(mirror.repository)).text
    assert "Not allowed" in page
    assert "You need to administer acme/app for that." in page
    assert "mirroring-tab" not in browser.get(tab(mirror.repository, "information")).text
    assert Mirror.objects.get().is_enabled


@pytest.mark.parametrize("is_member", [True, False])
def test_a_stranger_does_not_learn_that_the_repository_exists(
    stranger: User, mirror: Mirror, answers: Callable[..., dict[str, int]], is_member: bool
) -> None:
    if is_member:
        join(mirror.repository.namespace, stranger, role="member")
    browser = signed_in(stranger)
    assert set(answers(browser).values()) == {404}
    hidden = browser.get(tab(mirror.repository))
    missing = browser.get(reverse("web:repository", args=("acme", "missing")) + "?tab=mirroring")
    assert hidden.status_code == missing.status_code == 404
    assert "Not found" in hidden.text
    assert "acme" not in hidden.text
    assert Mirror.objects.get().tag_patterns == ["*"]


def test_who_is_not_signed_in_is_sent_to_sign_in(answers: Callable[..., dict[str, int]], mirror: Mirror) -> None:
    assert set(answers(Client()).values()) == {302}
    assert Client().get(tab(mirror.repository)).url.startswith(reverse("web:sign-in"))
    assert Mirror.objects.get().is_enabled


def test_a_superuser_may_do_everything(superuser: User, answers: Callable[..., dict[str, int]]) -> None:
    assert answers(signed_in(superuser))["mirroring"] == 200


def test_an_inactive_account_is_signed_out(owner: User, client: Client) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert client.get(reverse("web:repositories")).status_code == 302


def test_a_repository_whose_name_ends_like_a_tab_has_its_own_page(client: Client, mirror: Mirror) -> None:
    Repository.objects.create(namespace=mirror.repository.namespace, name="app/mirroring")
    page = client.get(reverse("web:repository", args=("acme", "app/mirroring"))).text
    assert '<h1 class="pf-v6-c-title pf-m-2xl app-break"' in page
    assert "acme/app/mirroring</h1>" in page
