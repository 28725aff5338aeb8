"""To whom a mirror's password goes: what decides whether a stored one may be used for a changed configuration."""

from __future__ import annotations

from mirrors.models import Mirror
from mirrors.models.encryption import DecryptionFailed


def goes_elsewhere(before: Mirror, after: Mirror) -> bool:
    """Whether anybody would be shown the password after the change who is not shown it before."""
    return not _receivers(after) <= _receivers(before)


def _receivers(mirror: Mirror) -> set[str]:
    """The source's registry; and the proxies in between, where they can pretend to be it."""
    registry = mirror.source_reference.partition("/")[0].lower()
    if mirror.wants_tls_verified:
        return {registry}
    return {registry, *filter(None, (_proxy(mirror, "http_proxy"), _proxy(mirror, "https_proxy")))}


def _proxy(mirror: Mirror, name: str) -> str | None:
    try:
        proxy: str | None = getattr(mirror, name)
    except DecryptionFailed:  # it differs from whatever replaces it
        proxy = getattr(mirror, f"{name}_ciphertext")
    return proxy
