"""Finding the mirror that a request is about, and the version of it that the caller knows."""

from __future__ import annotations

import re

from rest_framework.request import Request

from mirrors.api.endpoint import require_role
from mirrors.models import Mirror, Repository
from mirrors.models.repository import RepositoryPermission
from mirrors.services import access
from mirrors.services.mirroring import mirrors

ADMIN = RepositoryPermission.Role.ADMIN
_TAGS = re.compile(r'(?:W/)?"[^"]*"')


def administered_repository(request: Request, full_name: str, *, reading: bool = False) -> Repository:
    """The repository, for whoever administers it; reading: for whoever sees everything, too."""
    require_role(request, full_name, role=ADMIN, reading=reading)
    return access.find_repository(full_name, account=request.user, administer=not reading)


def administered_mirror(request: Request, full_name: str, *, reading: bool = False) -> Mirror:
    """The same for its mirror."""
    return mirrors.find_mirror(administered_repository(request, full_name, reading=reading))


def entity_tag(mirror: Mirror) -> str:
    """The ETag of a configuration."""
    return f'"{mirrors.version_of(mirror)}"'


def versions_wanted(request: Request) -> set[str] | None:
    """The versions of which If-Match says that one has to be the present one; None where any will do."""
    header = request.headers.get("If-Match", "").strip()
    if header in ("", "*"):
        return None
    # A weak tag never matches here (RFC 9110, 13.1.1).
    return {tag.strip('"') for tag in _TAGS.findall(header) if not tag.startswith("W/")}
