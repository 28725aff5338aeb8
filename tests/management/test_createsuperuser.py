"""createsuperuser, Django's own command, where the name is an organization's."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from mirrors.errors import AlreadyExists
from mirrors.models import LogEntry, Namespace, User
from mirrors.services.accounts import people


def test_the_name_of_an_organization_is_refused_in_a_sentence(organization: Namespace) -> None:
    with pytest.raises(CommandError) as refusal:
        call_command("createsuperuser", "--noinput", "--username", "acme", "--email", "a@example.com")

    assert str(refusal.value) == "An organization with that name exists. Choose another name."
    assert not User.objects.filter(username="acme").exists()


@pytest.mark.django_db
def test_a_superuser_of_another_name_gets_a_space_of_its_own() -> None:
    call_command("createsuperuser", "--noinput", "--username", "ada", "--email", "a@example.com", "--verbosity", "0")

    assert Namespace.objects.get().user == User.objects.get(is_superuser=True)


@pytest.mark.django_db
def test_the_first_administrator_needs_its_name_for_itself() -> None:
    Namespace.objects.create(name="admin", kind=Namespace.Kind.ORGANIZATION)
    with pytest.raises(AlreadyExists, match="There is an organization named admin"):
        people.create_administrator()


@pytest.mark.django_db
def test_the_first_administrator_can_sign_in_with_what_is_shown_and_is_in_the_log() -> None:
    administrator, password = people.create_administrator()

    assert administrator.check_password(password)
    assert people.find_administrator() == administrator == User.objects.get(username="admin", is_staff=True)
    assert LogEntry.objects.get().metadata["username"] == "admin"
