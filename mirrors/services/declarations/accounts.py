"""Organizations and robots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mirrors.errors import Forbidden, InvalidInput
from mirrors.models import Namespace, Robot
from mirrors.services import access
from mirrors.services.accounts import namespaces, organizations, robots
from mirrors.services.declarations import keys
from mirrors.services.declarations.documents import Document
from mirrors.services.declarations.kinds import Kind
from mirrors.services.declarations.rights import Rights


class OrganizationKind(Kind[Namespace]):
    """`Organization`."""

    name = "Organization"
    columns = {"name": "name", "email": "email", "timeMachineExpiration": "tag_expiration_seconds"}
    keys = {"email": keys.text, "timeMachineExpiration": keys.optional_duration}
    passed_over = frozenset({"autoPruneMethod", "autoPruneValue"})

    def find(self, document: Document, rights: Rights) -> Namespace | None:
        """The organization, if the user administers it."""
        found = Namespace.objects.filter(name=document.identity).first()
        if found is None:
            rights.require("user:admin")
            return None
        rights.require("org:admin")
        _check_administers(found, rights)
        if found.kind != Namespace.Kind.ORGANIZATION:
            raise InvalidInput(
                "is the document.identity of a user, and cannot be that of an organization.", field="document.identity"
            )
        return found

    def stored(self, row: Namespace) -> dict[str, Any]:
        """By key."""
        return {"email": row.email, "timeMachineExpiration": row.tag_expiration_seconds}

    def create(self, document: Document, rights: Rights) -> Namespace:
        """With the user as its first administrator."""
        email = document.values.get("email", "")
        organization = organizations.create_organization(document.identity, by=rights.user, email=email)
        rest = {key: value for key, value in document.values.items() if key != "email" and value is not None}
        if rest:
            organizations.change_organization(organization, self.values_of(rest))
        return organization

    def change(self, row: Namespace, document: Document, changed: Mapping[str, Any], rights: Rights) -> None:
        """Email and expiration."""
        organizations.change_organization(row, self.values_of(changed))


class RobotKind(Kind[Robot]):
    """`Robot`; its name is `namespace+name`. Its token is made here, and read over the API."""

    name = "Robot"
    columns = {"name": "robot", "description": "description", "federations": "federations"}
    keys = {
        "description": keys.text,
        "federations": keys.table({"issuer": keys.text, "subject": keys.text}, required=("issuer", "subject")),
        "append": keys.boolean,
    }
    orders = frozenset({"append"})
    fixed = frozenset({"description"})

    def find(self, document: Document, rights: Rights) -> Robot | None:
        """The robot, if the user administers its namespace."""
        namespace = _namespace_of(document.identity, rights)
        return (
            Robot.objects.select_related("namespace")
            .filter(namespace=namespace, name=_short(document.identity))
            .first()
        )

    def stored(self, row: Robot) -> dict[str, Any]:
        """By key."""
        return {"description": row.description, "federations": keys_of_federations(row)}

    def desired(self, document: Document, stored: Mapping[str, Any]) -> dict[str, Any]:
        """With `append`, which is the operator's default, no federation goes."""
        desired = super().desired(document, stored)
        if "federations" in desired and document.values.get("append", True):
            own = desired["federations"]
            kept = [row for row in stored["federations"] if row not in own]
            desired["federations"] = sorted([*kept, *own], key=lambda row: str(sorted(row.items())))
        return desired

    def create(self, document: Document, rights: Rights) -> Robot:
        """With a fresh token."""
        namespace = _namespace_of(document.identity, rights)
        description = document.values.get("description", "")
        robot = robots.create_robot(namespace, _short(document.identity), description=description)
        if document.values.get("federations"):
            robots.set_federations(robot, document.values["federations"])
        return robot

    def change(self, row: Robot, document: Document, changed: Mapping[str, Any], rights: Rights) -> None:
        """Federations; the rest is fixed."""
        if "federations" in changed:
            robots.set_federations(row, changed["federations"])


def keys_of_federations(robot: Robot) -> list[dict[str, str]]:
    """As a document has them, in the order in which they are compared."""
    rows = [{"issuer": row["issuer"], "subject": row["subject"]} for row in robot.federations]
    return sorted(rows, key=lambda row: str(sorted(row.items())))


def _namespace_of(name: str, rights: Rights) -> Namespace:
    if "+" not in name:
        raise InvalidInput("must be namespace+name, for example acme+mirror.", field="robot")
    namespace = namespaces.find_namespace(name.partition("+")[0])
    rights.require("org:admin" if namespace.kind == Namespace.Kind.ORGANIZATION else "user:admin")
    _check_administers(namespace, rights)
    return namespace


def _check_administers(namespace: Namespace, rights: Rights) -> None:
    if not access.administers_namespace(rights.user, namespace):
        raise Forbidden(f"You need to administer {namespace} for that.")


def _short(name: str) -> str:
    return name.partition("+")[2]
