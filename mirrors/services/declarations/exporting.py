"""Declaring what is there: documents that, applied, change nothing. Of secrets only where they are to come from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from mirrors.models import Mirror, Namespace, NotificationTarget, OrganizationMirror, Repository, Robot
from mirrors.services import access
from mirrors.services.declarations import keys
from mirrors.services.declarations.applying import KINDS
from mirrors.services.declarations.documents import API_VERSION, FROM
from mirrors.services.declarations.kinds import UNREADABLE
from mirrors.services.declarations.rights import Rights

CONNECTION = "quay-credentials"
"""The Secret that says to the operator where the API is; to be made in the cluster, and of no use here."""
_NOT_IN_NAMES = re.compile(r"[^a-z0-9.-]+")
_LONGEST_NAME = 200


def export(
    rights: Rights, *, namespace: Namespace | None = None, repository: Repository | None = None
) -> Iterator[dict[str, Any]]:
    """The documents of one repository, of one namespace, or of all that the user administers.

    Organizations and robots are left out without the scope org:admin. What discovery has made is not declared.
    """
    repositories = access.administered_repositories(rights.user, reading=True)
    if repository is not None:
        repositories = repositories.filter(pk=repository.pk)
    elif namespace is not None:
        repositories = repositories.filter(namespace=namespace)
    if repository is None and rights.holds("org:admin"):
        yield from _of_namespaces(_namespaces(rights, namespace))
    yield from _of_repositories(repositories.exclude(state=Repository.State.ORG_MIRROR))


def _namespaces(rights: Rights, namespace: Namespace | None) -> QuerySet[Namespace]:
    if access.sees_everything(rights.user):
        found = Namespace.objects.all()
    else:
        found = access.administered_namespaces(rights.user)
    return found if namespace is None else found.filter(pk=namespace.pk)


def _of_namespaces(found: QuerySet[Namespace]) -> Iterator[dict[str, Any]]:
    chosen = found.values("pk")
    for organization in Namespace.objects.filter(pk__in=chosen, kind=Namespace.Kind.ORGANIZATION).order_by("name"):
        yield document_of("Organization", organization.name, organization)
    for robot in Robot.objects.filter(namespace__in=chosen).select_related("namespace"):
        yield document_of("Robot", robot.full_name, robot)
    mirrored = OrganizationMirror.objects.filter(namespace__in=chosen).select_related("namespace", "robot__namespace")
    for mirror in mirrored.order_by("namespace__name"):
        yield document_of("OrganizationMirror", mirror.namespace.name, mirror)


def _of_repositories(found: QuerySet[Repository]) -> Iterator[dict[str, Any]]:
    ordered = found.order_by("namespace__name", "name")
    with_permissions = ordered.prefetch_related(
        "permissions__user", "permissions__team", "permissions__robot__namespace"
    )
    for repository in with_permissions:
        yield document_of("Repository", repository.full_name, repository)
    mirrors = Mirror.objects.filter(repository__in=found.values("pk"))
    related = mirrors.select_related("repository__namespace", "robot__namespace")
    for mirror in related.order_by("repository__namespace__name", "repository__name"):
        yield document_of("RepositoryMirror", mirror.repository.full_name, mirror)
    targets = NotificationTarget.objects.filter(repository__in=found.values("pk")).order_by("repository", "id")
    for target in targets.select_related("repository__namespace"):
        yield document_of("Notification", target.repository.full_name, target)


def document_of(kind_name: str, name: str, row: Any) -> dict[str, Any]:
    """One row as a custom resource."""
    kind = KINDS[kind_name]
    called = resource_name(name) if not kind.told_apart_by else f"{resource_name(name)}-{row.pk}"
    spec: dict[str, Any] = {"connSecretRef": {"name": CONNECTION}, kind.identity: name}
    stored = kind.stored(row)
    for key, described in kind.keys.items():
        value = stored.get(key)
        if value is None or key in kind.orders:
            continue
        if described is keys.secret or (described.is_secret and described.told(value) != described.show(value)):
            spec[f"{key}{FROM}"] = {"secretKeyRef": {"name": f"{called}-source", "key": key}}
        elif value is not UNREADABLE:
            spec[key] = described.show(value)
    return {"apiVersion": API_VERSION, "kind": kind_name, "metadata": {"name": called}, "spec": spec}


def resource_name(name: str) -> str:
    """A name as Kubernetes takes it: `acme/app` is acme-app; a part of a hash where others could be the same."""
    plain = _NOT_IN_NAMES.sub("-", name.lower()).strip("-.")[:_LONGEST_NAME]
    if plain.replace("-", "/", 1) == name or plain == name:
        return plain
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
