"""The admin: what may be changed by hand, what may not, and secrets that go in and never come out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from mirrors.models import AccessToken, HostPause, Mirror, Namespace, Registry, Repository, Sync, User
from mirrors.services.accounts import access_tokens
from tests.fixtures.browsing import text_of
from tests.web.conftest import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rung")]


@pytest.fixture
def browser(superuser: User) -> Client:
    return signed_in(superuser)


def url(model: str, page: str, *args: int) -> str:
    return reverse(f"admin:mirrors_{model}_{page}", args=args)


def test_syncs_and_their_tags_cannot_be_made_changed_or_deleted(browser: Client, mirror: Mirror) -> None:
    sync = Sync.objects.create(mirror=mirror)
    copy = sync.tag_copies.create(tag="v1", action="copied")
    tag = mirror.tags.create(tag="v1", source_digest="sha256:ab", target_digest="sha256:ab", sync_id=sync.pk)
    for model, row in (("sync", sync), ("tagcopy", copy), ("mirroredtag", tag)):
        assert browser.get(url(model, "add")).status_code == 403
        assert browser.get(url(model, "delete", row.pk)).status_code == 403
        assert browser.post(url(model, "change", row.pk), {"status": "succeeded"}).status_code == 403
        assert browser.get(url(model, "change", row.pk)).status_code == 200
        assert browser.get(url(model, "changelist"), {"q": "v1"}).status_code == 200
    sync.refresh_from_db()
    assert sync.status == "queued"


def test_a_sync_shows_what_it_asked_what_came_along_and_some_of_its_unchanged_tags(
    browser: Client, mirror: Mirror
) -> None:
    sync = Sync.objects.create(mirror=mirror)
    sync.start(worker="w", snapshot={})
    names = [f"v{number:03}" for number in range(120)]
    sync.succeed(
        message="done",
        unchanged_tags=names,
        tags_unchanged=120,
        referrers_copied=7,
        asked_target=True,
        rate_limit={"limit": 100, "remaining": 76, "window": 21600},
    )

    page = text_of(browser.get(url("sync", "change", sync.pk)).text)

    assert "v099 and 20 more" in page
    assert "v100" not in page
    assert "Referrers copied: 7" in page
    assert '"remaining": 76' in page
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(url("sync", "changelist")).status_code == 200
    assert not [query for query in queries if '"unchanged_tags"' in query["sql"]]


def test_a_mirrored_tag_is_found_by_its_digest(browser: Client, make_mirror: Callable[..., Mirror]) -> None:
    make_mirror("one").tags.create(tag="v1", source_digest="sha256:ab", target_digest="sha256:cd", sync_id=1)
    make_mirror("two").tags.create(tag="v2", source_digest="sha256:ef", target_digest="sha256:ef", sync_id=1)
    page = text_of(browser.get(url("mirroredtag", "changelist"), {"q": "sha256:cd"}).text)
    assert "acme/one" in page
    assert "acme/two" not in page


def test_a_pause_is_lifted_by_deleting_it_and_not_made_or_moved_by_hand(browser: Client) -> None:
    pause = HostPause.objects.create(host="busy.example.com", until=timezone.now() + timedelta(hours=1))
    assert "busy.example.com" in browser.get(url("hostpause", "changelist")).text
    assert browser.get(url("hostpause", "add")).status_code == 403
    assert browser.post(url("hostpause", "change", pause.pk), {"host": "other.example.com"}).status_code == 403

    assert browser.post(url("hostpause", "delete", pause.pk), {"post": "yes"}).status_code == 302

    assert not HostPause.objects.exists()


def test_a_mirror_is_changed_on_its_page_alone(browser: Client, mirror: Mirror) -> None:
    page = browser.get(url("mirror", "change", mirror.pk)).text
    assert "/repository/acme/app?tab=mirroring" in page
    assert browser.post(url("mirror", "change", mirror.pk), {"is_enabled": ""}).status_code == 403
    assert browser.get(url("mirror", "delete", mirror.pk)).status_code == 403


def act(browser: Client, name: str, *mirrors: Mirror) -> str:
    values = {"action": name, "_selected_action": [mirror.pk for mirror in mirrors]}
    return browser.post(url("mirror", "changelist"), values, follow=True).text


def test_actions_go_through_the_services(
    browser: Client, make_mirror: Callable[..., Mirror], rung: list[int], superuser: User
) -> None:
    one, two = make_mirror("one"), make_mirror("two")
    assert "Done for 2 mirrors." in act(browser, "sync_now", one, two)
    assert len(rung) == 2
    assert {sync.requested_by for sync in Sync.objects.all()} == {superuser}
    assert "Done for 2 mirrors." in act(browser, "cancel", one, two)
    assert "Not done for acme/one: No sync of acme/one is queued or running." in act(browser, "cancel", one)
    act(browser, "disable", one)
    assert not Mirror.objects.get(pk=one.pk).is_enabled
    act(browser, "enable", one)
    assert Mirror.objects.get(pk=one.pk).is_enabled


def test_actions_are_not_for_staff_who_do_not_administer_the_repository(mirror: Mirror, stranger: User) -> None:
    from django.contrib.auth.models import Permission

    stranger.is_staff = True
    stranger.save()
    stranger.user_permissions.add(Permission.objects.get(codename="view_mirror"))
    page = act(signed_in(stranger), "disable", mirror)
    assert "You need to administer acme/app for that." in page
    assert Mirror.objects.get().is_enabled


REGISTRY = {"name": "harbor", "address": "harbor.example.com", "verify_tls": "on"}


def test_a_registrys_secrets_go_in_stay_and_are_forgotten(browser: Client) -> None:
    values = REGISTRY | {"username": "robot$writer", "password": "typed-secret", "http_proxy": "http://p.example.com"}
    assert browser.post(url("registry", "add"), values).status_code == 302
    registry = Registry.objects.get()
    assert (registry.username, registry.password, registry.http_proxy) == (
        "robot$writer",
        "typed-secret",
        "http://p.example.com",
    )
    browser.post(url("registry", "change", registry.pk), REGISTRY | {"repository_prefix": "team", "http_proxy": "-"})
    registry.refresh_from_db()
    assert (registry.repository_prefix, registry.password, registry.http_proxy) == ("team", "typed-secret", None)


def test_a_registrys_address_has_no_scheme(browser: Client) -> None:
    response = browser.post(url("registry", "add"), REGISTRY | {"address": "https://harbor.example.com"})
    assert "Give a host name or address" in response.text
    assert not Registry.objects.exists()


def test_an_access_token_can_be_revoked_and_not_made(browser: Client, superuser: User) -> None:
    token, _ = access_tokens.issue_token(superuser, name="ci", scopes=["repo:read"])
    assert browser.get(url("accesstoken", "add")).status_code == 403
    browser.post(url("accesstoken", "delete", token.pk), {"post": "yes"})
    assert not AccessToken.objects.exists()


TEAMS = {"teams-TOTAL_FORMS": "0", "teams-INITIAL_FORMS": "0"}
PERMISSIONS = {"permissions-TOTAL_FORMS": "0", "permissions-INITIAL_FORMS": "0"}


def test_a_new_namespace_is_an_organization_and_keeps_its_name(browser: Client) -> None:
    browser.post(url("namespace", "add"), TEAMS | {"name": "platform", "kind": "user"})
    namespace = Namespace.objects.get(name="platform")
    assert namespace.kind == "organization"
    browser.post(url("namespace", "change", namespace.pk), TEAMS | {"name": "renamed", "email": "p@example.com"})
    namespace.refresh_from_db()
    assert (namespace.name, namespace.email) == ("platform", "p@example.com")


def test_a_repositorys_state_and_name_stay_with_the_services(browser: Client, repository: Repository) -> None:
    values = PERMISSIONS | {"name": "renamed", "state": "MIRROR", "visibility": "public"}
    browser.post(url("repository", "change", repository.pk), values)
    repository.refresh_from_db()
    assert (repository.name, repository.state, repository.visibility) == ("app", "NORMAL", "public")
    assert browser.get(url("repository", "delete", repository.pk)).status_code == 403


def test_a_person_keeps_the_name_of_the_namespace(browser: Client, owner: User) -> None:
    page = browser.get(url("user", "change", owner.pk)).text
    assert 'name="username"' not in page
    assert browser.get(url("user", "delete", owner.pk)).status_code == 403


def test_a_robot_is_made_with_a_token_that_nobody_sees(browser: Client, organization: Namespace) -> None:
    browser.post(url("robot", "add"), {"namespace": organization.pk, "name": "nightly"})
    robot = organization.robots.get(name="nightly")
    assert robot.token not in browser.get(url("robot", "change", robot.pk)).text
