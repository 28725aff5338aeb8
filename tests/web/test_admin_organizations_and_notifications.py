"""The admin's pages of organization mirrors, notifications and workers: to look at, without any secret."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mirrors.models import (
    Delivery,
    DiscoveredRepository,
    Namespace,
    NotificationTarget,
    OrganizationMirror,
    Repository,
    Robot,
    User,
    UserNotification,
    Worker,
)
from mirrors.services.notifications import notification_targets
from mirrors.services.organization_mirrors import organization_mirrors
from tests.fixtures.browsing import text_of
from tests.web.conftest import signed_in

pytestmark = pytest.mark.django_db
SECRET = "planted-secret-5Rt8"


@pytest.fixture
def browser(superuser: User) -> Client:
    return signed_in(superuser)


@pytest.fixture
def organization_mirror(organization: Namespace, robot: Robot) -> OrganizationMirror:
    values = {
        "source_type": "quay",
        "source_url": "https://registry.example.com",
        "source_namespace": "team",
        "robot": robot,
        "visibility": "private",
        "sync_interval": 3600,
        "starts_at": timezone.now(),
        "source_username": "$oauthtoken",
        "source_password": SECRET,
        "registry_config": {"proxy": {"http_proxy": f"http://user:{SECRET}@proxy"}},
    }
    return organization_mirrors.create_organization_mirror(organization, values)


@pytest.fixture
def target(repository: Repository) -> NotificationTarget:
    return notification_targets.create_target(
        repository,
        event="repo_push",
        method="webhook",
        config={"url": f"https://user:{SECRET}@hooks.example.com"},
        event_config={},
    )


def url(model: str, page: str, *args: int) -> str:
    return reverse(f"admin:mirrors_{model}_{page}", args=args)


def test_an_organization_mirror_is_shown_without_secrets_and_says_that_discovery_is_not_running(
    browser: Client, organization_mirror: OrganizationMirror
) -> None:
    DiscoveredRepository.objects.create(organization_mirror=organization_mirror, name="app", message="Why not")

    for page in (
        browser.get(url("organizationmirror", "changelist"), {"q": "acme"}),
        browser.get(url("organizationmirror", "change", organization_mirror.pk)),
    ):
        assert page.status_code == 200
        assert "Discovery is not running" in page.text
        assert "https://registry.example.com" in page.text
        assert SECRET not in page.text
    assert "Why not" in browser.get(url("discoveredrepository", "changelist"), {"q": "app"}).text


def test_a_sync_of_an_organization_is_asked_for_and_cancelled(
    browser: Client, organization_mirror: OrganizationMirror
) -> None:
    for action, status in (("sync_now", "requested"), ("cancel", "cancelled")):
        chosen = {"action": action, "_selected_action": organization_mirror.pk}
        page = browser.post(url("organizationmirror", "changelist"), chosen, follow=True)
        assert "Done for 1 organization." in text_of(page.text)
        organization_mirror.refresh_from_db()
        assert organization_mirror.status == status

    again = browser.post(url("organizationmirror", "changelist"), chosen, follow=True)

    assert "Not done for acme: Cannot cancel: mirror is already cancelled" in text_of(again.text)


def test_notifications_are_shown_without_their_addresses(browser: Client, target: NotificationTarget) -> None:
    delivery = notification_targets.queue_test(target)
    for page in (
        browser.get(url("notificationtarget", "changelist"), {"q": "app"}),
        browser.get(url("notificationtarget", "change", target.pk)),
        browser.get(url("delivery", "changelist"), {"q": "app"}),
        browser.get(url("delivery", "change", delivery.pk)),
    ):
        assert page.status_code == 200
        assert "acme/app" in page.text
        assert SECRET not in page.text
        assert "hooks.example.com" not in page.text


def test_a_message_that_waits_can_be_deleted_and_nothing_else(browser: Client, target: NotificationTarget) -> None:
    delivery = notification_targets.queue_test(target)

    browser.post(url("delivery", "delete", delivery.pk), {"post": "yes"})

    assert not Delivery.objects.exists()
    assert browser.get(url("notificationtarget", "delete", target.pk)).status_code == 403


def test_notices_and_workers_are_shown(browser: Client, owner: User) -> None:
    UserNotification.objects.create(user=owner, kind="repo_mirror_sync_failed")
    Worker.objects.create(name="sync@one", seen_at=timezone.now())

    assert "repo_mirror_sync_failed" in browser.get(url("usernotification", "changelist"), {"q": "owner"}).text
    assert "sync@one" in browser.get(url("worker", "changelist")).text


@pytest.mark.parametrize(
    "model", [Delivery, DiscoveredRepository, NotificationTarget, OrganizationMirror, UserNotification, Worker]
)
def test_none_of_them_is_made_by_hand(browser: Client, model: type) -> None:
    assert model in admin.site._registry
    assert browser.get(url(model.__name__.lower(), "add")).status_code == 403
