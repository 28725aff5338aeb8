"""From the contract's names to ours: the body of a POST or PUT of an organization mirror."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mirrors.api.bodies import array_of, boolean, integer, nullable, object_of, one_of, text
from mirrors.api.mirroring.mirror_body import DATE_FORMAT
from mirrors.api.organization_mirrors.bodies import shown_config
from mirrors.errors import InvalidInput, NotFound
from mirrors.models import Namespace, OrganizationMirror, Robot
from mirrors.models.encryption import DecryptionFailed
from mirrors.services.accounts import robots
from mirrors.services.mirroring import mirror_fields
from mirrors.services.organization_mirrors.organization_mirror_fields import (
    LONGEST_TIMEOUT,
    MINIMUM_INTERVAL,
    PROXIES,
    QUAY_NAMES,
    SHORTEST_TIMEOUT,
    check_robot,
)

FIELDS_OF_CHANGE = {
    "external_registry_url": text,
    "external_namespace": text,
    "robot_username": text,
    "visibility": one_of("public", "private"),
    "sync_interval": integer(minimum=MINIMUM_INTERVAL, maximum=mirror_fields.LONGEST_INTERVAL),
    "sync_start_date": text,
    "is_enabled": boolean,
    "external_registry_username": nullable(text),
    "external_registry_password": nullable(text),
    "external_registry_config": object_of(
        {
            "verify_tls": boolean,
            "unsigned_images": boolean,
            "proxy": object_of(dict.fromkeys(PROXIES, nullable(text))),
        }
    ),
    "repository_filters": array_of(text),
    "skopeo_timeout": integer(minimum=SHORTEST_TIMEOUT, maximum=LONGEST_TIMEOUT),
}
FIELDS = {"external_registry_type": one_of(*OrganizationMirror.SourceType.values), **FIELDS_OF_CHANGE}
REQUIRED = (
    "external_registry_type",
    "external_registry_url",
    "external_namespace",
    "robot_username",
    "visibility",
    "sync_interval",
    "sync_start_date",
)

Body = dict[str, Any]


def values_of(body: Body, *, organization: Namespace, mirror: OrganizationMirror | None = None) -> dict[str, Any]:
    """The mirror's fields, those that need reading first; raises InvalidInput for the first that cannot be accepted.

    mirror: the one that is changed. What it showed of a proxy, password masked, is no change.
    """
    values = {ours: body[theirs] for ours, theirs in QUAY_NAMES.items() if theirs in body}
    if "robot" in values:
        values["robot"] = _robot(values["robot"])
        check_robot(values["robot"], organization)
    if "starts_at" in values:
        values["starts_at"] = _start(values["starts_at"])
    if mirror is not None and "registry_config" in values:
        values["registry_config"] = _unmasked(values["registry_config"], mirror)
    return values


def _robot(full_name: str) -> Robot:
    try:
        return robots.find_robot(full_name)
    except NotFound as error:
        raise InvalidInput(
            f"Invalid robot account: {full_name}. Write organization+name, of a robot that exists.", field="robot"
        ) from error


def _start(given: str) -> datetime:
    try:
        return datetime.strptime(given, DATE_FORMAT).replace(tzinfo=UTC)
    except ValueError as error:
        raise InvalidInput(
            "Invalid sync_start_date format. Use ISO 8601: YYYY-MM-DDTHH:MM:SSZ", field="starts_at"
        ) from error


def _unmasked(config: dict[str, Any], mirror: OrganizationMirror) -> dict[str, Any]:
    try:
        stored = mirror.registry_config.get("proxy") or {}
    except DecryptionFailed:
        return config
    shown = shown_config(mirror).get("proxy") or {}
    proxy = {
        name: stored[name] if address is not None and address == shown.get(name) else address
        for name, address in (config.get("proxy") or {}).items()
    }
    return config | ({"proxy": proxy} if "proxy" in config else {})
