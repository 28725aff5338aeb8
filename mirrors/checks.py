"""System checks: what would break later is said at the start, each under a stable id.

mirrorfarm.E001 no encryption key in the farm profile · E002 a key that is no Fernet key · E003 a lease shorter than
its renewal allows · E004 an allowed host that is no host · W001 DEBUG on in the farm profile · W002 any host name
accepted in the farm profile.
"""

from __future__ import annotations

from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from mirrors.oci import EgressGuard


@register(Tags.security)
def check_encryption_keys(**_: Any) -> list[CheckMessage]:
    """There is a key, and every key is one."""
    if not settings.ENCRYPTION_KEYS:
        hint = "Make one: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
        return [Error("ENCRYPTION_KEYS is empty: credentials cannot be stored.", hint=hint, id="mirrorfarm.E001")]
    broken = [position for position, key in enumerate(settings.ENCRYPTION_KEYS, start=1) if not _is_fernet_key(key)]
    return [
        Error(
            f"Key {position} of ENCRYPTION_KEYS is not a Fernet key (32 bytes in URL-safe base64).",
            id="mirrorfarm.E002",
        )
        for position in broken
    ]


@register()
def check_lease(**_: Any) -> list[CheckMessage]:
    """A lease outlives two missed renewals, or a short pause of the database would cost running syncs."""
    if settings.LEASE_SECONDS >= 3 * settings.LEASE_RENEWAL_SECONDS:
        return []
    text = (
        f"LEASE_SECONDS is {settings.LEASE_SECONDS} and LEASE_RENEWAL_SECONDS {settings.LEASE_RENEWAL_SECONDS}: "
        "the lease must be at least three renewals long."
    )
    return [Error(text, id="mirrorfarm.E003")]


@register(Tags.security)
def check_allowed_hosts(**_: Any) -> list[CheckMessage]:
    """Every entry is a host: a typing error must neither lock anything out nor let anything through."""
    errors: list[CheckMessage] = []
    for entry in settings.SSRF_ALLOWED_HOSTS:
        try:
            EgressGuard(allowed_hosts=[entry])
        except ValueError as error:
            errors.append(Error(f"In SSRF_ALLOWED_HOSTS, {error}", id="mirrorfarm.E004"))
    return errors


@register(Tags.security)
def check_farm_is_closed(**_: Any) -> list[CheckMessage]:
    """What is handy on a laptop is dangerous on a farm."""
    if settings.EMBEDDED:
        return []
    warnings: list[CheckMessage] = []
    if settings.DEBUG:
        warnings.append(
            Warning("DEBUG is on in the farm profile: errors show code and settings.", id="mirrorfarm.W001")
        )
    if "*" in settings.ALLOWED_HOSTS:
        warnings.append(Warning("ALLOWED_HOSTS accepts any host name in the farm profile.", id="mirrorfarm.W002"))
    return warnings


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True
