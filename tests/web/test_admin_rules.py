"""What the admin refuses in words: names that are taken, rights given twice, powers that are not one's own to give."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from mirrors.models import Namespace, Registry, Repository, Robot, User
from tests.web.conftest import signed_in
from tests.web.test_admin import REGISTRY, url

pytestmark = pytest.mark.django_db

NEW_PASSWORD = "a-long-password-7Qx"


@pytest.fixture
def browser(superuser: User) -> Client:
    return signed_in(superuser)


@pytest.fixture
def clerk(stranger: User) -> User:
    """Staff who may change accounts and is no superuser."""
    stranger.is_staff = True
    stranger.save()
    stranger.user_permissions.set(Permission.objects.filter(codename__endswith="_user"))
    return stranger


def test_a_person_cannot_have_the_name_of_an_organization(browser: Client, organization: Namespace) -> None:
    values = {
        "username": organization.name,
        "usable_password": "true",
        "password1": NEW_PASSWORD,
        "password2": NEW_PASSWORD,
    }

    page = browser.post(url("user", "add"), values)

    assert "An organization with that name exists." in page.text
    assert browser.post(url("user", "add"), values | {"username": "fresh"}).status_code == 302
    assert Namespace.objects.get(name="fresh").user == User.objects.get(username="fresh")


def test_staff_cannot_make_themselves_superusers(clerk: User) -> None:
    values = {"is_active": "on", "is_staff": "on", "is_superuser": "on", "email": "new@example.com"}
    values |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}

    assert signed_in(clerk).post(url("user", "change", clerk.pk), values).status_code == 302

    clerk.refresh_from_db()
    assert (clerk.email, clerk.is_superuser) == ("new@example.com", False)


def test_staff_cannot_set_a_superusers_password(clerk: User, superuser: User, owner: User) -> None:
    values = {"usable_password": "true", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    visitor = signed_in(clerk)

    assert visitor.post(f"/admin/mirrors/user/{superuser.pk}/password/", values).status_code == 403
    assert visitor.post(url("user", "change", superuser.pk), {"is_active": ""}).status_code == 403
    assert visitor.post(f"/admin/mirrors/user/{owner.pk}/password/", values).status_code == 302

    superuser.refresh_from_db()
    assert superuser.is_active
    assert not superuser.check_password(NEW_PASSWORD)


def test_a_persons_own_space_gets_no_teams(browser: Client, owner: User) -> None:
    own = Namespace.objects.get(user=owner)
    values = {"teams-TOTAL_FORMS": "1", "teams-INITIAL_FORMS": "0", "teams-0-name": "readers", "teams-0-role": "admin"}

    assert browser.post(url("namespace", "change", own.pk), values).status_code == 302

    assert not own.teams.exists()


def test_a_second_right_of_the_same_account_is_refused(browser: Client, repository: Repository, robot: Robot) -> None:
    first = repository.permissions.create(robot=robot, role="write")
    values = {"visibility": "private", "permissions-TOTAL_FORMS": "2", "permissions-INITIAL_FORMS": "1"}
    values |= {"permissions-0-id": str(first.pk), "permissions-0-robot": str(robot.pk), "permissions-0-role": "write"}
    values |= {"permissions-1-robot": str(robot.pk), "permissions-1-role": "admin"}

    page = browser.post(url("repository", "change", repository.pk), values)

    assert page.status_code == 200
    assert "acme+mirror has a right on this repository already: change that one." in page.text
    assert [right.role for right in repository.permissions.all()] == ["write"]


def test_a_repository_whose_full_name_no_registry_takes_is_refused(browser: Client, organization: Namespace) -> None:
    values = {"permissions-TOTAL_FORMS": "0", "permissions-INITIAL_FORMS": "0", "visibility": "private"}

    page = browser.post(url("repository", "add"), values | {"namespace": str(organization.pk), "name": "a" * 251})

    assert "acme/name may have 255 characters at most: shorten the name." in page.text
    assert not Repository.objects.exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"repository_prefix": "../team"}, "Use lower-case letters and digits"),
        ({"repository_prefix": "Team Blue"}, "Use lower-case letters and digits"),
        ({"ca_certificate": "no certificate"}, "Give certificates as text in PEM format."),
    ],
)
def test_a_registry_that_could_never_be_reached_is_refused(
    browser: Client, change: dict[str, str], sentence: str
) -> None:
    assert sentence in browser.post(url("registry", "add"), REGISTRY | change).text
    assert not Registry.objects.exists()


def test_slashes_around_a_prefix_are_left_out(browser: Client) -> None:
    browser.post(url("registry", "add"), REGISTRY | {"repository_prefix": "/team/mirrors/"})

    assert Registry.objects.get().repository_prefix == "team/mirrors"
