"""What each field of a mirror accepts: one function a field, value in, clean value out, InvalidInput otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from django.utils import timezone

from mirrors.errors import InvalidInput
from mirrors.models import Robot
from mirrors.models.mirror import ARCHITECTURES, MINIMUM_TIMEOUT
from mirrors.oci import BlockedDestination, IndexMode, InvalidReference, OCIError, PlatformPattern, Reference
from mirrors.services.syncs import connections

LONGEST_INTERVAL = 2**31 - 1  # what a PostgreSQL integer holds, some 68 years
LONGEST_REFERENCE = 1024
LONGEST_USERNAME = 4096
LONGEST_PASSWORD = 9000
MOST_PATTERNS = 1000
LONGEST_PATTERN = 255
"""A tag has 128 characters at most; to read a pattern of a megabyte can take hours."""
REGISTRY_CONFIG_KEYS = (
    "verify_tls",
    "unsigned_images",
    "proxy",
    "proxy.http_proxy",
    "proxy.https_proxy",
    "proxy.no_proxy",
)
_NOT_TEXT = re.compile("[\0-\x1f\ud800-\udfff]")

MISSING = {
    "source_reference": "External registry reference is required",
    "tag_patterns": "At least one tag pattern is required, for example: latest, v3.*",
    "robot": "A robot of the repository's namespace is required: it is the account that writes the mirrored tags.",
}

COLUMNS = {
    field: f"{field}_ciphertext" for field in ("source_username", "source_password", "http_proxy", "https_proxy")
}
"""Where the field's value is kept, for fields kept encrypted."""


def clean(values: dict[str, Any]) -> dict[str, Any]:
    """All values cleaned; raises InvalidInput for the first that is not acceptable, KeyError for an unknown field."""
    return {field: CLEANERS[field](value) for field, value in values.items()}


def clean_source_reference(value: Any) -> str:
    """`registry[:port]/path`, and a registry that the egress guard lets us reach. No name is looked up here."""
    text = "" if value is None else str(value)
    if not text.strip():
        raise InvalidInput(MISSING["source_reference"], field="source_reference")
    if len(text) > LONGEST_REFERENCE:
        raise InvalidInput(
            f"The external registry reference has more than {LONGEST_REFERENCE} characters.", field="source_reference"
        )
    try:
        reference = Reference.parse_location(text)
        _check_reachable(reference.registry)
    except InvalidReference as error:
        raise InvalidInput(error.message, field="source_reference") from error
    except BlockedDestination as error:
        raise InvalidInput("The provided registry location is not allowed", field="source_reference") from error
    return text


def _check_reachable(registry: str) -> None:
    """Raise BlockedDestination unless the guard permits this host, at a port that it may be asked at."""
    parts, guard = urlsplit(f"//{registry}"), connections.guard()
    try:
        guard.check_host(parts.hostname or "", port=parts.port or 443)
    except BlockedDestination:
        if parts.port:
            raise
        guard.check_host(parts.hostname or "", port=80)  # where TLS need not be verified


def clean_tag_patterns(value: Any) -> list[str]:
    """At least one pattern, none of them blank."""
    patterns = _texts(value, field="tag_patterns")
    if not patterns or any(not pattern.strip() for pattern in patterns):
        raise InvalidInput(MISSING["tag_patterns"], field="tag_patterns")
    if any(_NOT_TEXT.search(pattern) for pattern in patterns):
        raise InvalidInput("Control characters are not allowed in tag patterns.", field="tag_patterns")
    check_bounds(patterns, field="tag_patterns", what="tag patterns")
    return patterns


def check_bounds(patterns: Sequence[str], *, field: str, what: str) -> None:
    """Raise InvalidInput for more or longer patterns than can be compared with every name of a registry."""
    if len(patterns) > MOST_PATTERNS or any(len(pattern) > LONGEST_PATTERN for pattern in patterns):
        raise InvalidInput(
            f"Give at most {MOST_PATTERNS} {what} of at most {LONGEST_PATTERN} characters each.", field=field
        )


def clean_architectures(value: Any) -> list[str]:
    """A subset of Quay's four architectures, order kept; none is all. Platforms that Quay's API and form can say."""
    architectures = _texts(value, field="platforms")
    unknown = sorted(set(architectures) - set(ARCHITECTURES))
    if unknown:
        raise InvalidInput(f"Invalid architectures: {', '.join(unknown)}", field="platforms")
    return architectures


def clean_platforms(value: Any) -> list[str]:
    """`architecture`, `os/architecture` or `os/architecture/variant` each, order kept; none is all."""
    platforms = _texts(value, field="platforms")
    try:
        return list(dict.fromkeys(str(PlatformPattern.parse(platform)) for platform in platforms))
    except OCIError as error:
        raise InvalidInput(error.message, field="platforms") from error


def clean_index_mode(value: Any) -> str:
    """One of `IndexMode`."""
    if value not in list(IndexMode):
        raise InvalidInput(f"Give one of {', '.join(IndexMode)}.", field="index_mode")
    return str(value)


def clean_registry_config_keys(value: Any) -> list[str]:
    """Which keys of Quay's external_registry_config were given, whatever their values."""
    keys = _texts(value, field="registry_config_keys")
    if not set(keys) <= set(REGISTRY_CONFIG_KEYS):
        raise InvalidInput(f"Give some of {', '.join(REGISTRY_CONFIG_KEYS)}.", field="registry_config_keys")
    return keys


def clean_sync_interval(value: Any) -> int:
    """Seconds, at least one."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LONGEST_INTERVAL:
        raise InvalidInput(
            f"The sync interval must be a whole number of seconds, at least 1 and at most {LONGEST_INTERVAL}.",
            field="sync_interval",
        )
    return value


def clean_timeout(value: Any) -> int:
    """Seconds, at least 300."""
    if isinstance(value, bool) or not isinstance(value, int) or value < MINIMUM_TIMEOUT:
        raise InvalidInput(
            f"Skopeo timeout interval cannot be less than {MINIMUM_TIMEOUT} seconds.", field="timeout_seconds"
        )
    if value > LONGEST_INTERVAL:
        raise InvalidInput(
            f"Skopeo timeout interval can be {LONGEST_INTERVAL} seconds at most.", field="timeout_seconds"
        )
    return value


def clean_starts_at(value: Any) -> datetime:
    """An aware time, in whole seconds."""
    if not isinstance(value, datetime) or timezone.is_naive(value):
        raise InvalidInput("Give the start as a date and time in UTC.", field="starts_at")
    try:
        return value.astimezone(UTC).replace(microsecond=0)
    except OverflowError as error:
        raise InvalidInput("Give a start between the years 1 and 9999.", field="starts_at") from error


def clean_robot(value: Any) -> Robot:
    """A robot."""
    if not isinstance(value, Robot):
        raise InvalidInput(MISSING["robot"], field="robot")
    return value


def _texts(value: Any, *, field: str) -> list[str]:
    if value is not None and not isinstance(value, list | tuple):
        raise InvalidInput("Give a list.", field=field)
    return [str(element) for element in value or ()]


def _optional_text(field: str, longest: int, *, may_be_empty: bool = False) -> Callable[[Any], str | None]:
    """Text that may be missing. may_be_empty: an empty one is kept as that; else it is missing."""

    def clean_text(value: Any) -> str | None:
        text = "" if value is None else str(value)
        if len(text) > longest:
            raise InvalidInput(f"Give at most {longest} characters.", field=field)
        if _NOT_TEXT.search(text):
            raise InvalidInput("Control characters are not allowed here.", field=field)
        return text if text or (may_be_empty and value is not None) else None

    return clean_text


def _optional_boolean(field: str) -> Callable[[Any], bool | None]:
    def clean_boolean(value: Any) -> bool | None:
        if value is not None and not isinstance(value, bool):
            raise InvalidInput("Give true or false.", field=field)
        return value

    return clean_boolean


def _boolean(field: str) -> Callable[[Any], bool]:
    def clean_boolean(value: Any) -> bool:
        if not isinstance(value, bool):
            raise InvalidInput("Give true or false.", field=field)
        return value

    return clean_boolean


CLEANERS: dict[str, Callable[[Any], Any]] = {
    "is_enabled": _boolean("is_enabled"),
    "source_reference": clean_source_reference,
    "source_username": _optional_text("source_username", LONGEST_USERNAME),
    "source_password": _optional_text("source_password", LONGEST_PASSWORD),
    "verify_tls": _optional_boolean("verify_tls"),
    "unsigned_images": _optional_boolean("unsigned_images"),
    "http_proxy": _optional_text("http_proxy", 1000, may_be_empty=True),
    "https_proxy": _optional_text("https_proxy", 1000, may_be_empty=True),
    "no_proxy": _optional_text("no_proxy", 1000, may_be_empty=True),
    "registry_config_keys": clean_registry_config_keys,
    "tag_patterns": clean_tag_patterns,
    "platforms": clean_platforms,
    "index_mode": clean_index_mode,
    "copies_referrers": _boolean("copies_referrers"),
    "copies_foreign_layers": _boolean("copies_foreign_layers"),
    "sync_interval": clean_sync_interval,
    "starts_at": clean_starts_at,
    "robot": clean_robot,
    "timeout_seconds": clean_timeout,
}
