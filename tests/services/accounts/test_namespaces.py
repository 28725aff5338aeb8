"""Organizations, robots and access tokens: making them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from mirrors.errors import AlreadyExists, InvalidInput, NotFound
from mirrors.models import AccessToken, Mirror, Namespace, Robot, User
from mirrors.services import access
from mirrors.services.accounts import access_tokens, namespaces, organizations, robots


def test_who_makes_an_organization_administers_it(owner: User) -> None:
    organization = organizations.create_organization("new-org", by=owner, email="a@example.com")

    assert organization.kind == Namespace.Kind.ORGANIZATION
    assert access.administers_namespace(owner, organization)
    assert namespaces.organizations_of(owner) == [organization]


@pytest.mark.parametrize("name", ["", "a", "Upper", "a b", "a..b", "-a", "a-", "a/b", "ä" * 3, "x" * 256])
def test_a_name_that_no_registry_takes_is_refused_with_a_hint(owner: User, name: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        organizations.create_organization(name, by=owner)

    assert refusal.value.field == "name"
    assert refusal.value.message
    assert not Namespace.objects.filter(kind="organization").exists()


def test_a_taken_name_is_refused_be_it_an_organizations_or_a_users(organization: Namespace, owner: User) -> None:
    for name in ("acme", "owner"):
        with pytest.raises(AlreadyExists, match=f"A user or organization named {name} exists already"):
            organizations.create_organization(name, by=owner)


def test_a_second_robot_of_a_name_is_refused(robot: Robot) -> None:
    with pytest.raises(AlreadyExists, match=r"Existing robot with name: acme\+mirror"):
        robots.create_robot(robot.namespace, "mirror")


def test_a_robot_is_found_by_its_full_name(robot: Robot) -> None:
    assert robots.find_robot("acme+mirror") == robot
    for name in ("acme+nobody", "mirror", "other+mirror", ""):
        with pytest.raises(NotFound, match="Could not find robot"):
            robots.find_robot(name)


def test_a_robot_that_a_mirror_needs_is_kept(mirror: Mirror) -> None:
    with pytest.raises(InvalidInput, match="Robot is being used by a mirror"):
        robots.delete_robot(mirror.robot)

    mirror.delete()
    robots.delete_robot(mirror.robot)
    assert not Robot.objects.exists()


def test_an_access_token_is_shown_once_and_only_its_hash_is_kept(owner: User) -> None:
    token, text = access_tokens.issue_token(owner, name="ci", scopes=["repo:admin"])

    assert access_tokens.find_token(text) == token
    assert token.scope_set == {"repo:admin"}
    assert text not in repr(AccessToken.objects.values().get())
    assert access_tokens.find_token(text + "x") is None


@pytest.mark.parametrize("scopes", [[], ["repo:everything"], ["repo:read", "king"]])
def test_a_token_needs_scopes_that_exist(owner: User, scopes: list[str]) -> None:
    with pytest.raises(InvalidInput, match="Scopes are repo:read") as refusal:
        access_tokens.issue_token(owner, name="ci", scopes=scopes)

    assert refusal.value.field == "scopes"


def test_an_expired_token_and_one_of_a_blocked_user_open_nothing(owner: User) -> None:
    past = timezone.now() - timedelta(seconds=1)
    _, expired = access_tokens.issue_token(owner, name="old", scopes=["repo:read"], expires_at=past)
    _, valid = access_tokens.issue_token(owner, name="new", scopes=["repo:read"])

    assert access_tokens.find_token(expired) is None
    assert access_tokens.find_token(valid) is not None
    User.objects.update(is_active=False)
    assert access_tokens.find_token(valid) is None
