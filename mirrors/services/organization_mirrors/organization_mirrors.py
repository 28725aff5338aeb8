"""Mirrors of whole organizations: setting them up, changing and removing them, asking for a discovery.

Values come in under the names of `OrganizationMirror`'s columns. All are checked before anything is written, and
everything is written in one transaction, with the organization's row locked.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from mirrors.errors import AlreadyExists, InvalidInput, NotFound, Outdated
from mirrors.models import Mirror, Namespace, OrganizationMirror, Repository, Sync
from mirrors.models.encryption import DecryptionFailed
from mirrors.services.accounts import namespaces
from mirrors.services.logs import log_entries
from mirrors.services.mirroring.mirror_phases import Phase, in_phases
from mirrors.services.organization_mirrors import organization_mirror_fields
from mirrors.services.organization_mirrors.organization_discoveries import with_phases
from mirrors.services.organization_mirrors.organization_mirror_fields import QUAY_NAMES

DISCOVERY_NOTE = (
    "Discovery is not running: this version of Mirrorfarm keeps the configuration and every request for a sync, and "
    "does not look for repositories yet."
)
"""To be shown wherever an organization mirror is."""

CREATING_A_REPOSITORY = "Cannot create repository: organization is managed by organization-level mirroring"
CHANGING_A_STATE = "Cannot change repository state: organization is managed by organization-level mirroring"
MANAGING_A_MIRROR = (
    "Repository mirror configuration cannot be managed while organization-level mirroring is configured for this "
    "organization."
)
_UNSETTLED = (Phase.NEVER_RUN, Phase.REQUESTED, Phase.SYNCING, Phase.RETRYING)
Status = OrganizationMirror.Status


def check_not_mirrored(namespace: Namespace, *, refusal: str) -> None:
    """Raise InvalidInput with this text where the whole organization is mirrored.

    Who makes a repository asks inside the transaction, and after `namespaces.lock`: an organization mirror wants an
    empty place.
    """
    if OrganizationMirror.objects.filter(namespace=namespace).exists():
        raise InvalidInput(refusal, field="namespace")


def find_organization_mirror(organization: Namespace) -> OrganizationMirror:
    """The organization's mirror; raises NotFound."""
    return _found(_mirrors(), organization)


def create_organization_mirror(organization: Namespace, values: dict[str, Any]) -> OrganizationMirror:
    """Mirror an organization that has no repositories yet. Raises AlreadyExists, and InvalidInput naming the field.

    Required: source_type, source_url, source_namespace, robot, visibility, sync_interval, starts_at.
    """
    organization_mirror_fields.check_robot(values["robot"], organization)
    cleaned = organization_mirror_fields.clean(values)
    with transaction.atomic():
        namespaces.lock(organization)
        _check_empty(organization)
        if OrganizationMirror.objects.filter(namespace=organization).exists():
            raise AlreadyExists("Mirror configuration already exists for this organization", field="namespace")
        mirror = OrganizationMirror(namespace=organization)
        _set(mirror, cleaned)
        mirror.save()
        log_entries.record(
            "org_mirror_enabled",
            namespace=organization,
            external_registry_type=mirror.source_type,
            external_registry_url=mirror.source_url,
            external_namespace=mirror.source_namespace,
            sync_interval=mirror.sync_interval,
            robot_username=mirror.robot.full_name,
        )
    return mirror


@transaction.atomic
def change_organization_mirror(
    organization: Namespace, values: dict[str, Any], *, versions: Collection[str] | None = None
) -> OrganizationMirror:
    """Change what is given and nothing else; the type of the source stays what it is.

    A stored password is forgotten where the change would have it shown to somebody else. versions: what `version_of`
    may say of it for the change to be made, else Outdated is raised; None: anything.
    """
    mirror = _locked(organization, versions)
    if "robot" in values:
        organization_mirror_fields.check_robot(values["robot"], organization)
    cleaned = organization_mirror_fields.clean({name: values[name] for name in values if name != "source_type"})
    before, receivers = mirror.external_reference, _receivers(mirror)
    columns = _set(mirror, cleaned)
    if "source_password" not in cleaned and not _receivers(mirror) <= receivers:
        columns |= _set(mirror, {"source_password": None})
    mirror.save(update_fields=columns | {"updated_at"})
    log_entries.record(
        "org_mirror_config_changed",
        namespace=organization,
        updated_fields=[QUAY_NAMES[field] for field in cleaned],
        old_external_reference=before,
        external_reference=mirror.external_reference,
    )
    return mirror


@transaction.atomic
def delete_organization_mirror(organization: Namespace, *, versions: Collection[str] | None = None) -> None:
    """Stop mirroring the organization: its repositories are NORMAL again, and keep their content.

    The mirrors that discovery had made for them go, with their history. versions: as in `change_organization_mirror`.
    """
    namespaces.lock(organization)
    mirror = _locked(organization, versions)
    made = Repository.objects.filter(namespace=organization, state=Repository.State.ORG_MIRROR)
    mirrors = Mirror.objects.filter(repository__in=made)
    # Their syncs first and then the mirrors, as everyone does; see `mirrors._lock`.
    list(Sync.objects.active().filter(mirror__in=mirrors).order_by("pk").select_for_update())
    list(mirrors.order_by("pk").select_for_update())
    mirrors.delete()
    made.update(state=Repository.State.NORMAL)
    log_entries.record("org_mirror_disabled", namespace=organization, external_reference=mirror.external_reference)
    mirror.delete()


def version_of(mirror: OrganizationMirror) -> str:
    """Another one after each change, of the configuration or by a request for a sync."""
    return f"{mirror.created_at:%Y%m%d%H%M%S%f}-{mirror.updated_at:%Y%m%d%H%M%S%f}"


@transaction.atomic
def request_discovery(organization: Namespace) -> OrganizationMirror:
    """Store the request for a sync of the whole organization. InvalidInput while one is under way."""
    mirror = _locked(organization)
    if mirror.status == Status.RUNNING:
        raise InvalidInput("Cannot sync now: discovery is currently in progress. Wait for it, or cancel it first.")
    if in_phases(with_phases(mirror.discovered.all()), _UNSETTLED).exists():
        raise InvalidInput(
            "Cannot sync now: repositories are still syncing. Cancel the current sync, or wait for it to end."
        )
    mirror.status = Status.REQUESTED
    mirror.next_discovery_at = timezone.now().replace(microsecond=0)
    mirror.lease_expires_at = None
    mirror.attempts_left = max(mirror.attempts_left, 1)
    mirror.save(update_fields=["status", "next_discovery_at", "lease_expires_at", "attempts_left", "updated_at"])
    log_entries.record(
        "org_mirror_sync_now_requested", namespace=organization, external_reference=mirror.external_reference
    )
    return mirror


@transaction.atomic
def cancel_discovery(organization: Namespace) -> OrganizationMirror:
    """Stop the sync of the whole organization, whatever it is doing; InvalidInput where that was done already.

    The schedule keeps its next time. A lease stays with its worker, who finds the status changed.
    """
    mirror = _locked(organization)
    if mirror.status == Status.CANCELLED:
        raise InvalidInput("Cannot cancel: mirror is already cancelled")
    mirror.status = Status.CANCELLED
    mirror.attempts_left = 0
    mirror.save(update_fields=["status", "attempts_left", "updated_at"])
    log_entries.record(
        "org_mirror_sync_cancelled", namespace=organization, external_reference=mirror.external_reference
    )
    return mirror


def _mirrors() -> QuerySet[OrganizationMirror]:
    return OrganizationMirror.objects.select_related("namespace", "robot__namespace")


def _locked(organization: Namespace, versions: Collection[str] | None = None) -> OrganizationMirror:
    mirror = _found(_mirrors().select_for_update(of=("self",)), organization)
    if versions is not None and version_of(mirror) not in versions:
        raise Outdated(
            f"Somebody has changed the mirror of {organization} since you read it. Read it again, and decide then."
        )
    return mirror


def _found(mirrors: QuerySet[OrganizationMirror], organization: Namespace) -> OrganizationMirror:
    mirror = mirrors.filter(namespace=organization).first()
    if mirror is None:
        raise NotFound(f"The organization {organization} is not mirrored as a whole.")
    return mirror


def _set(mirror: OrganizationMirror, cleaned: dict[str, Any]) -> set[str]:
    """Set the values; gives the columns that they are in, so that two editors do not undo each other."""
    for field, value in cleaned.items():
        setattr(mirror, field, value)
    if "starts_at" in cleaned:
        mirror.next_discovery_at = mirror.starts_at
    columns = {organization_mirror_fields.COLUMNS.get(field, field) for field in cleaned}
    return columns | ({"next_discovery_at"} if "starts_at" in cleaned else set())


def _receivers(mirror: OrganizationMirror) -> set[str]:
    """To whom its password goes: the source, and the proxies in between where they can read along or pretend to be it.

    Whoever administers the organization could send it to a host of their own otherwise, without having known it.
    """
    parts = urlsplit(mirror.source_url.lower())
    source = f"{parts.scheme}://{parts.netloc}"
    try:
        config = mirror.registry_config
    except DecryptionFailed:  # it differs from whatever replaces it
        return {source, mirror.registry_config_ciphertext or ""}
    if parts.scheme == "https" and config.get("verify_tls") is not False:
        return {source}
    proxies = config.get("proxy") or {}
    return {source, *filter(None, (proxies.get("http_proxy"), proxies.get("https_proxy")))}


def _check_empty(organization: Namespace) -> None:
    if Repository.objects.filter(namespace=organization).exists():
        raise InvalidInput(
            f"The organization {organization} already contains repositories. Organization-level mirroring requires an "
            "empty organization: use a new one, or delete its repositories first."
        )
