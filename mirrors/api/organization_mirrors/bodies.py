"""An organization mirror, and what it has discovered, as the contract shows them."""

from __future__ import annotations

from typing import Any

from mirrors.api.dates import date
from mirrors.api.mirroring.mirror_body import REGISTRY_CONFIG, readable
from mirrors.api.operations import BOOLEAN, DATE, INTEGER, STRING, answer, array, or_null
from mirrors.api.status_words import OF_DISCOVERY, OF_PHASE, WORDS
from mirrors.models import OrganizationMirror
from mirrors.models.encryption import DecryptionFailed
from mirrors.oci.redaction import without_password
from mirrors.services.organization_mirrors import organization_discoveries
from mirrors.services.organization_mirrors.organization_discoveries import Discovery
from mirrors.services.organization_mirrors.organization_mirrors import DISCOVERY_NOTE

ORGANIZATION_MIRROR_BODY = answer(
    {
        "is_enabled": BOOLEAN,
        "external_registry_type": {"type": "string", "enum": OrganizationMirror.SourceType.values},
        "external_registry_url": STRING,
        "external_namespace": STRING,
        "external_registry_username": or_null(STRING),
        "has_external_registry_password": BOOLEAN,
        "external_registry_config": REGISTRY_CONFIG,
        "repository_filters": array(STRING),
        "robot_username": or_null(STRING),
        "visibility": {"type": "string", "enum": ["public", "private"]},
        "sync_interval": INTEGER,
        "sync_start_date": or_null(DATE),
        "sync_expiration_date": or_null(DATE),
        "sync_status": {"type": "string", "enum": list(OF_DISCOVERY.values())},
        "sync_retries_remaining": INTEGER,
        "repo_sync_status_counts": answer(dict.fromkeys(WORDS, INTEGER)),
        "skopeo_timeout": INTEGER,
        "creation_date": DATE,
        "discovery_note": STRING,
    }
)
REPOSITORIES_BODY = answer(
    {
        "repositories": array(
            answer(
                {
                    "name": STRING,
                    "sync_status": {"type": "string", "enum": list(WORDS)},
                    "discovery_date": or_null(DATE),
                    "last_sync_date": or_null(DATE),
                    "status_message": or_null(STRING),
                    "quay_repository": or_null(STRING),
                }
            )
        ),
        "page": INTEGER,
        "limit": INTEGER,
        "total": INTEGER,
        "has_next": BOOLEAN,
    }
)


def organization_mirror_body(mirror: OrganizationMirror) -> dict[str, Any]:
    """What GET …/mirror of an organization answers: Quay's keys, and `discovery_note`. Never a password."""
    is_running = mirror.status == OrganizationMirror.Status.RUNNING
    return {
        "is_enabled": mirror.is_enabled,
        "external_registry_type": mirror.source_type,
        "external_registry_url": mirror.source_url,
        "external_namespace": mirror.source_namespace,
        "external_registry_username": readable(lambda: mirror.source_username),
        "has_external_registry_password": mirror.source_password_ciphertext is not None,
        "external_registry_config": shown_config(mirror),
        "repository_filters": mirror.repository_filters,
        "robot_username": mirror.robot.full_name,
        "visibility": mirror.visibility,
        "sync_interval": mirror.sync_interval,
        "sync_start_date": date(mirror.next_discovery_at),
        "sync_expiration_date": date(mirror.lease_expires_at) if is_running else None,
        "sync_status": OF_DISCOVERY[OrganizationMirror.Status(mirror.status)],
        "sync_retries_remaining": mirror.attempts_left,
        "repo_sync_status_counts": _counts(mirror),
        "skopeo_timeout": mirror.timeout_seconds,
        "creation_date": date(mirror.created_at),
        "discovery_note": DISCOVERY_NOTE,
    }


def discovery_body(discovery: Discovery) -> dict[str, Any]:
    """One row of …/mirror/repositories."""
    row = discovery.row
    return {
        "name": row.name,
        "sync_status": OF_PHASE[discovery.phase],
        "discovery_date": date(row.discovered_at),
        "last_sync_date": date(discovery.last_sync.finished_at) if discovery.last_sync else None,
        "status_message": discovery.message or None,
        "quay_repository": row.repository.full_name if row.repository else None,
    }


def shown_config(mirror: OrganizationMirror) -> dict[str, Any]:
    """What was given of TLS, signatures and proxies, with the passwords of proxies masked."""
    try:
        config = mirror.registry_config
    except DecryptionFailed:
        return {}
    if config.get("proxy") is None:
        return config
    return config | {"proxy": {name: without_password(address) for name, address in config["proxy"].items()}}


def _counts(mirror: OrganizationMirror) -> dict[str, int]:
    counts = dict.fromkeys(WORDS, 0)
    for phase, count in organization_discoveries.phase_counts(mirror).items():
        counts[OF_PHASE[phase]] += count
    return counts
