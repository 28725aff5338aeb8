"""Whose logs an address gives, and who may read them."""

from __future__ import annotations

from dataclasses import dataclass

from rest_framework.request import Request

from mirrors.api.authentication import caller
from mirrors.api.endpoint import require_role
from mirrors.api.errors import InsufficientScope
from mirrors.api.namespaces import administered_organization, own_space
from mirrors.models import Namespace, Repository
from mirrors.models.repository import RepositoryPermission
from mirrors.services import access
from mirrors.services.logs import log_entries, logs


@dataclass(frozen=True)
class Place:
    """Where log entries belong. `name`: what pages and exports of it are signed for."""

    name: str
    entries: logs.Entries
    namespace: Namespace | None = None
    repository: Repository | None = None

    def record_export(self, *, url: str | None, email: str | None) -> None:
        """Log among them that they were exported."""
        kind = "export_logs_success"
        log_entries.record(kind, namespace=self.namespace, repository=self.repository, url=url, email=email)


def repository_place(request: Request, full_name: str, *, reading: bool = True) -> Place:
    """For those who administer the repository; and, for reading alone, those who see everything."""
    require_role(request, full_name, role=RepositoryPermission.Role.ADMIN, reading=reading)
    repository = access.find_repository(full_name, account=caller(request))
    return Place(f"repository:{repository.pk}", logs.entries_of_repository(repository), repository=repository)


def organization_place(request: Request, name: str, *, reading: bool = True) -> Place:
    """For those who administer the organization; and, for reading alone, those who see everything."""
    namespace = administered_organization(request, name, reading=reading)
    return Place(f"namespace:{namespace.pk}", logs.entries_of_namespace(namespace), namespace=namespace)


def user_place(request: Request) -> Place:
    """The caller's own namespace, and their sign-ins."""
    namespace = own_space(request)
    return Place(f"namespace:{namespace.pk}", logs.entries_of_namespace(namespace), namespace=namespace)


def whole_farm(request: Request, *, reading: bool = True) -> Place:
    """Everything, for superusers; and, for reading alone, those who see everything."""
    if not access.reaches_everything(caller(request), reading=reading):
        raise InsufficientScope("Unauthorized: the logs of the whole farm are for superusers.")
    return Place("all", logs.all_entries())
