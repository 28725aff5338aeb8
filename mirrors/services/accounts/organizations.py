"""Organizations: making, changing, renaming and removing them."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from mirrors.errors import InvalidInput, NotFound
from mirrors.models import Namespace, Repository, Team, TeamMember, User
from mirrors.services.accounts import namespaces
from mirrors.services.logs import log_entries
from mirrors.services.new_rows import refusing_duplicates, validate
from mirrors.services.repositories import removal

CHANGES = {
    "email": "org_change_email",
    "invoice_email": "org_change_invoicing",
    "invoice_email_address": "org_change_invoicing",
    "tag_expiration_seconds": "org_change_tag_expiration",
}
"""The columns that may be changed, and Quay's kind of log entry for each."""

LOGGED_AS = {"tag_expiration_seconds": "tag_expiration"}


def all_organizations() -> QuerySet[Namespace]:
    """Every organization by name."""
    return Namespace.objects.filter(kind=Namespace.Kind.ORGANIZATION).order_by("name")


def find_organization(name: str) -> Namespace:
    """The organization; NotFound also for a user's own namespace."""
    found = namespaces.find_namespace(name)
    if found.kind != Namespace.Kind.ORGANIZATION:
        raise NotFound(f"There is no organization named {name}: it is a user's own namespace.")
    return found


def create_organization(name: str, *, by: User, email: str = "") -> Namespace:
    """Make an organization whose first administrator is its maker."""
    organization = Namespace(name=name, kind=Namespace.Kind.ORGANIZATION, email=email)
    validate(organization)
    with refusing_duplicates(_taken(name), field="name"):
        organization.save()
        add_owner(organization, by)
        log_entries.record("org_create", namespace=organization, email=email)
    return organization


def add_owner(organization: Namespace, user: User) -> None:
    """Put the user into the team that a new organization starts with."""
    owners, _ = Team.objects.get_or_create(namespace=organization, name=Team.OWNERS, defaults={"role": Team.Role.ADMIN})
    TeamMember.objects.create(team=owners, user=user)


@transaction.atomic
def change_organization(organization: Namespace, values: dict[str, Any], *, name: str | None = None) -> Namespace:
    """Change what is given of CHANGES, and the name as `rename_organization` does; what was so before is not logged."""
    if name is not None:
        rename_organization(organization, name)
    changed = {column: value for column, value in values.items() if getattr(organization, column) != value}
    old_email = organization.email
    for column, value in changed.items():
        setattr(organization, column, value)
    validate(organization, exclude={"target_registry"})
    if changed:
        organization.save(update_fields=list(changed))
    for column, value in changed.items():
        told: dict[str, Any] = {LOGGED_AS.get(column, column): value}
        if column == "email":
            told["old_email"] = old_email
        log_entries.record(CHANGES[column], namespace=organization, **told)
    return organization


def rename_organization(organization: Namespace, name: str) -> Namespace:
    """Give it another name, which its robots follow; InvalidInput while it has repositories.

    The name is part of where a repository's content is, at registries that know of no renaming.
    """
    before = organization.name
    if name == before:
        return organization
    with refusing_duplicates(_taken(name), field="name"):
        namespaces.lock(organization)
        repository = Repository.objects.filter(namespace=organization).first()
        if repository is not None:
            raise InvalidInput(
                f"{before} has repositories, and their content is kept under its name: make an organization named "
                f"{name}, mirror {repository.name} and the others into it, then delete {before}.",
                field="name",
            )
        organization.name = name
        validate(organization, exclude={"target_registry"})
        organization.save(update_fields=["name"])
        log_entries.record("org_change_name", namespace=organization, old_name=before, new_name=name)
    return organization


@transaction.atomic
def delete_organization(organization: Namespace) -> None:
    """Remove it with its mirrors, repositories, their content in the built-in store, teams and robots: all or nothing.

    A sync that is running is stopped by its worker within seconds, as it finds no row any more.
    """
    log_entries.record("org_delete", namespace=organization)
    removal.delete_namespace(organization)


def _taken(name: str) -> str:
    return f"A user or organization named {name} exists already."
