"""What each field of an organization mirror accepts: value in, clean value out, InvalidInput otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from mirrors.errors import InvalidInput
from mirrors.models import Namespace, OrganizationMirror, Robot
from mirrors.oci import BlockedDestination, InvalidReference
from mirrors.oci.images.reference import check_registry
from mirrors.services.mirroring import mirror_fields
from mirrors.services.syncs import connections

LONGEST_URL = 2048
LONGEST_NAMESPACE = 255
MINIMUM_INTERVAL = 60
SHORTEST_TIMEOUT, LONGEST_TIMEOUT = 30, 3600
_PORTS = {"http": 80, "https": 443}
_ODD = re.compile(r"[\s\0-\x1f\ud800-\udfff]")
_NOT_TEXT = re.compile("[\0-\x1f\ud800-\udfff]")
PROXIES = ("http_proxy", "https_proxy", "no_proxy")

COLUMNS = {
    "source_username": "source_username_ciphertext",
    "source_password": "source_password_ciphertext",
    "registry_config": "registry_config_ciphertext",
}
"""Where the field's value is kept, for fields kept encrypted."""

QUAY_NAMES = {
    "robot": "robot_username",
    "source_type": "external_registry_type",
    "visibility": "visibility",
    "starts_at": "sync_start_date",
    "sync_interval": "sync_interval",
    "timeout_seconds": "skopeo_timeout",
    "source_url": "external_registry_url",
    "source_namespace": "external_namespace",
    "is_enabled": "is_enabled",
    "source_username": "external_registry_username",
    "source_password": "external_registry_password",
    "registry_config": "external_registry_config",
    "repository_filters": "repository_filters",
}
"""Ours and the contract's, in the order in which Quay checks them."""


def clean(values: dict[str, Any]) -> dict[str, Any]:
    """All values cleaned, in Quay's order; raises InvalidInput for the first that is not acceptable."""
    return {field: CLEANERS[field](values[field]) for field in QUAY_NAMES if field in values}


def check_robot(robot: Robot, organization: Namespace) -> None:
    """Raise InvalidInput unless the robot is the organization's own."""
    if robot.namespace_id != organization.pk:
        raise InvalidInput("Robot account must belong to the organization", field="robot")


def clean_source_url(value: Any) -> str:
    """`https://host[:port][/path]` of a registry that the egress guard lets us reach. No name is looked up here."""
    text = "" if value is None else str(value)
    if not text or len(text) > LONGEST_URL or _ODD.search(text):
        raise _refused_url(f"must be an address of 1 to {LONGEST_URL} characters, without spaces")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _refused_url("must be a valid address, such as https://quay.io") from error
    if parts.scheme not in ("http", "https"):
        raise _refused_url("must use the scheme http or https")
    if "@" in parts.netloc:
        raise _refused_url("must not include a user name: give the credentials in their own fields")
    if parts.query or parts.fragment:
        raise _refused_url("must end with its host or path: leave out what begins with ? or #")
    if not host:
        raise _refused_url("must include a host, as in https://quay.io")
    try:
        check_registry(parts.netloc)
        connections.guard().check_host(host, port=port or _PORTS[parts.scheme])
    except InvalidReference as error:
        raise _refused_url("must include a valid host, as in https://quay.io") from error
    except BlockedDestination as error:
        raise InvalidInput("The provided registry URL is not allowed", field="source_url") from error
    return text


def clean_source_namespace(value: Any) -> str:
    """An organization, user or project at the source."""
    text = "" if value is None else str(value)
    if not text.strip() or len(text) > LONGEST_NAMESPACE or _ODD.search(text) or text in (".", ".."):
        raise InvalidInput(
            f"external_namespace must name an organization or project of 1 to {LONGEST_NAMESPACE} characters, without "
            "spaces.",
            field="source_namespace",
        )
    return text


def clean_filters(value: Any) -> list[str]:
    """Globs on names without their namespace; none is all."""
    filters = [str(element) for element in value or ()]
    if any(not text.strip() or _NOT_TEXT.search(text) for text in filters):
        raise InvalidInput(
            "repository_filters must be patterns such as team-*: none of them blank, or with control characters.",
            field="repository_filters",
        )
    mirror_fields.check_bounds(filters, field="repository_filters", what="repository_filters")
    return filters


def clean_registry_config(value: Any) -> dict[str, Any]:
    """The known keys that are given: verify_tls, unsigned_images, proxy; what they hold is kept as it is."""
    config = dict(value or {})
    for name, address in (config.get("proxy") or {}).items():
        if address is not None and (len(address) > 1000 or _NOT_TEXT.search(address)):
            raise InvalidInput(
                f"external_registry_config.proxy.{name} may have 1000 characters, and no control characters among "
                "them.",
                field="registry_config",
            )
    return config


def _number(field: str, minimum: int, maximum: int) -> Callable[[Any], int]:
    def clean_number(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
            raise InvalidInput(
                f"{QUAY_NAMES[field]} must be a whole number of seconds from {minimum} to {maximum}.", field=field
            )
        return value

    return clean_number


def _choice(field: str, choices: list[str]) -> Callable[[Any], str]:
    def clean_choice(value: Any) -> str:
        if value not in choices:
            raise InvalidInput(f"{QUAY_NAMES[field]} must be {' or '.join(choices)}.", field=field)
        return str(value)

    return clean_choice


def _secret(field: str) -> Callable[[Any], str | None]:
    def clean_secret(value: Any) -> str | None:
        try:
            return mirror_fields.CLEANERS[field](value)  # type: ignore[no-any-return]
        except InvalidInput as error:
            raise InvalidInput(f"{QUAY_NAMES[field]}: {error.message}", field=field) from error

    return clean_secret


def _refused_url(reason: str) -> InvalidInput:
    return InvalidInput(f"The registry URL {reason}.", field="source_url")


CLEANERS: dict[str, Callable[[Any], Any]] = {
    "robot": mirror_fields.clean_robot,
    "source_type": _choice("source_type", OrganizationMirror.SourceType.values),
    "visibility": _choice("visibility", ["public", "private"]),
    "starts_at": mirror_fields.clean_starts_at,
    "sync_interval": _number("sync_interval", MINIMUM_INTERVAL, mirror_fields.LONGEST_INTERVAL),
    "timeout_seconds": _number("timeout_seconds", SHORTEST_TIMEOUT, LONGEST_TIMEOUT),
    "source_url": clean_source_url,
    "source_namespace": clean_source_namespace,
    "is_enabled": mirror_fields.CLEANERS["is_enabled"],
    "source_username": _secret("source_username"),
    "source_password": _secret("source_password"),
    "registry_config": clean_registry_config,
    "repository_filters": clean_filters,
}
