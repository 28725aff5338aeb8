"""People's accounts, as superusers look after them."""

from __future__ import annotations

from typing import Any

import pytest

from mirrors.errors import AlreadyExists, InvalidInput, NotFound
from mirrors.models import LogEntry, Namespace, Repository, Team, User
from mirrors.services.accounts import access_tokens, people

PASSWORD = "a-long-password-7Qx"


@pytest.mark.django_db
def test_a_new_account_has_a_password_that_works_and_a_space_of_its_own() -> None:
    user, password = people.create_person("ada", email="ada@example.com")

    assert User.objects.get().check_password(password)
    assert Namespace.objects.get().user == user
    entry = LogEntry.objects.get()
    assert (entry.kind, entry.metadata["username"]) == ("user_create", "ada")
    assert password not in repr(entry.metadata)


@pytest.mark.parametrize("name", ["acme", "owner"])
def test_a_taken_name_is_refused(organization: Namespace, name: str) -> None:
    with pytest.raises(AlreadyExists, match=f"A user or organization named {name} exists already"):
        people.create_person(name)


@pytest.mark.django_db
@pytest.mark.parametrize("values", [{"username": "Upper"}, {"username": "a b"}, {"username": "ada", "email": "no"}])
def test_a_bad_name_or_address_is_refused(values: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        people.create_person(**values)
    assert not User.objects.exists()


def test_address_password_and_permission_to_sign_in_are_changed(stranger: User) -> None:
    _, token = access_tokens.issue_token(stranger, name="ci", scopes=["repo:read"])

    people.change_person(stranger, {"email": "new@example.com", "password": PASSWORD, "is_active": False})

    stranger.refresh_from_db()
    assert (stranger.email, stranger.is_active, stranger.check_password(PASSWORD)) == ("new@example.com", False, True)
    assert access_tokens.find_token(token) is None
    kinds = set(LogEntry.objects.filter(kind__startswith="user_").values_list("kind", flat=True))
    assert kinds == {"user_change_email", "user_change_password", "user_disable"}
    assert PASSWORD not in repr(list(LogEntry.objects.values()))


def test_what_is_so_already_is_not_logged(stranger: User) -> None:
    people.change_person(stranger, {"email": stranger.email, "is_active": True})

    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("values", [{"password": "tiny5"}, {"password": "12345678901"}, {"email": "nonsense"}])
def test_a_bad_password_or_address_changes_nothing(stranger: User, values: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        people.change_person(stranger, {"is_active": False} | values)

    assert str(next(iter(values.values()))) not in str(refusal.value)
    assert User.objects.get(pk=stranger.pk).is_active
    assert not LogEntry.objects.exists()


def test_a_superuser_is_neither_changed_nor_deleted(superuser: User) -> None:
    with pytest.raises(InvalidInput, match="root is a superuser and cannot be changed this way"):
        people.change_person(superuser, {"is_active": False})
    with pytest.raises(InvalidInput, match="root is a superuser and cannot be deleted this way"):
        people.delete_person(superuser)


def test_a_deleted_account_takes_its_space_along_and_leaves_organizations(organization: Namespace, owner: User) -> None:
    Repository.objects.create(namespace=Namespace.objects.get(user=owner), name="app")
    kept = Repository.objects.create(namespace=organization, name="app")

    people.delete_person(owner)

    assert list(Repository.objects.all()) == [kept]
    assert [team.name for team in Team.objects.all()] == ["owners"]
    with pytest.raises(NotFound, match="There is no user named owner"):
        people.find_person("owner")
    assert LogEntry.objects.get(kind="user_delete").metadata["username"] == "owner"
