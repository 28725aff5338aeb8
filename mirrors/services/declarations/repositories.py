"""Repositories and who may do what with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mirrors.errors import InvalidInput, NotFound
from mirrors.models import Repository, RepositoryPermission, Robot, Team, User
from mirrors.services import access
from mirrors.services.accounts import namespaces, teams
from mirrors.services.declarations import keys
from mirrors.services.declarations.documents import Document
from mirrors.services.declarations.keys import Key
from mirrors.services.declarations.kinds import Kind
from mirrors.services.declarations.rights import Rights
from mirrors.services.repositories import permissions, repositories

_PERMISSION = {
    "name": keys.text,
    "role": keys.choice(*RepositoryPermission.Role.values),
    "type": keys.choice("user", "team"),
}


def _read_permissions(value: Any) -> list[dict[str, Any]]:
    rows = keys.table(_PERMISSION, required=("name",)).read(value)
    return _in_order({"role": "read", "type": "user"} | row for row in rows)


def _in_order(rows: Any) -> list[dict[str, Any]]:
    return sorted(
        ({"name": row["name"], "role": row["role"], "type": row["type"]} for row in rows),
        key=lambda row: (row["type"], row["name"]),
    )


class RepositoryKind(Kind[Repository]):
    """`Repository`."""

    name = "Repository"
    columns = {
        "name": "repository",
        "description": "description",
        "visibility": "visibility",
        "repoState": "state",
        "perms": "name",
    }
    keys = {
        "visibility": keys.choice(*Repository.Visibility.values),
        "repoState": keys.choice(*repositories.SETTABLE_STATES),
        "description": keys.text,
        "perms": Key(_read_permissions),
        "append": keys.boolean,
    }
    orders = frozenset({"append"})
    passed_over = frozenset({"autoPruneMethod", "autoPruneValue", "star"})

    def find(self, document: Document, rights: Rights) -> Repository | None:
        """The repository, if the user administers it."""
        try:
            found = access.find_repository(document.identity, account=rights.user, administer=True)
        except NotFound:
            rights.require("repo:create")
            return None
        rights.require("repo:admin")
        return found

    def stored(self, row: Repository) -> dict[str, Any]:
        """By key."""
        return {
            "visibility": row.visibility,
            "repoState": row.state,
            "description": row.description,
            "perms": _in_order(_permission(permission) for permission in _permissions(row)),
        }

    def desired(self, document: Document, stored: Mapping[str, Any]) -> dict[str, Any]:
        """With `append`, which is the default, nobody loses a right that the document does not name."""
        desired = super().desired(document, stored)
        if "perms" in desired and document.values.get("append", True):
            declared = {(row["type"], row["name"]) for row in desired["perms"]}
            kept = [row for row in stored["perms"] if (row["type"], row["name"]) not in declared]
            desired["perms"] = _in_order([*kept, *desired["perms"]])
        return desired

    def create(self, document: Document, rights: Rights) -> Repository:
        """Private unless it says otherwise."""
        namespace_name, _, name = document.identity.partition("/")
        if not name:
            raise InvalidInput("must be namespace/name, for example acme/app.", field="repository")
        values = document.values
        repository = repositories.create_repository(
            namespaces.find_namespace(namespace_name),
            name,
            by=rights.user,
            visibility=values.get("visibility", Repository.Visibility.PRIVATE),
            description=values.get("description", ""),
        )
        stored = self.stored(repository)
        rest = {key: value for key, value in self.desired(document, stored).items() if value != stored[key]}
        self.change(repository, document, rest, rights)
        return repository

    def change(self, row: Repository, document: Document, changed: Mapping[str, Any], rights: Rights) -> None:
        """What differs."""
        if "repoState" in changed:  # first, for it locks more than the repository
            repositories.change_state(row, changed["repoState"], by=rights.user)
        if "description" in changed:
            repositories.describe(row, changed["description"])
        if "visibility" in changed:
            repositories.change_visibility(row, changed["visibility"])
        if "perms" in changed:
            _change_permissions(row, changed["perms"])


def _permissions(repository: Repository) -> list[RepositoryPermission]:
    """All of them, from what was prefetched where it was."""
    return list(repository.permissions.all())


def _permission(permission: RepositoryPermission) -> dict[str, str]:
    if permission.team is not None:
        return {"name": permission.team.name, "role": permission.role, "type": "team"}
    holder = permission.robot or permission.user
    name = holder.full_name if isinstance(holder, Robot) else holder.username if holder else ""
    return {"name": name, "role": permission.role, "type": "user"}


def _change_permissions(repository: Repository, desired: list[dict[str, str]]) -> None:
    stored = {(row["type"], row["name"]): row["role"] for row in map(_permission, _permissions(repository))}
    declared = {(row["type"], row["name"]): row["role"] for row in desired}
    for (kind, name), role in declared.items():
        if stored.get((kind, name)) != role:
            permissions.set_role(repository, _holder(repository, kind, name), role=role)
    for kind, name in stored:
        if (kind, name) not in declared:
            permissions.remove_role(repository, _holder(repository, kind, name))


def _holder(repository: Repository, kind: str, name: str) -> User | Robot | Team:
    return teams.find_team(repository.namespace, name) if kind == "team" else permissions.find_account(name)
