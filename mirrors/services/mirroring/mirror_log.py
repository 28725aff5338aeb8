"""What the audit log says of a mirror's configuration: one entry for each field that changes, in Quay's words."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from mirrors.models import Mirror
from mirrors.models.encryption import DecryptionFailed
from mirrors.oci.redaction import MASK, without_password
from mirrors.services.logs import log_entries

CHANGED = "repo_mirror_config_changed"
REMOVED = "repo_mirror_disabled"  # Quay has this kind and never writes it, for its mirrors cannot be removed


def _proxy(name: str) -> Callable[[Mirror], str | None]:
    return lambda mirror: without_password(getattr(mirror, name))


FIELDS: dict[str, tuple[str, Callable[[Mirror], Any]]] = {
    "is_enabled": ("is_enabled", lambda mirror: mirror.is_enabled),
    "source_reference": ("external_reference", lambda mirror: mirror.source_reference),
    "robot": ("robot_username", lambda mirror: mirror.robot.full_name),
    "starts_at": ("sync_start_date", lambda mirror: f"{mirror.starts_at:%Y-%m-%dT%H:%M:%SZ}"),
    "sync_interval": ("sync_interval", lambda mirror: mirror.sync_interval),
    "timeout_seconds": ("skopeo_timeout_interval", lambda mirror: mirror.timeout_seconds),
    "platforms": ("architecture_filter", lambda mirror: mirror.platforms),
    "source_username": ("external_registry_username", lambda mirror: mirror.source_username),
    "source_password": ("external_registry_password", lambda mirror: mirror.source_password_ciphertext and MASK),
    "verify_tls": ("verify_tls", lambda mirror: mirror.verify_tls),
    "unsigned_images": ("unsigned_images", lambda mirror: mirror.unsigned_images),
    "http_proxy": ("http_proxy", _proxy("http_proxy")),
    "https_proxy": ("https_proxy", _proxy("https_proxy")),
    "no_proxy": ("no_proxy", lambda mirror: mirror.no_proxy),
    "tag_patterns": ("mirror_rule", lambda mirror: mirror.tag_patterns),
    "index_mode": ("index_mode", lambda mirror: mirror.index_mode),
    "copies_referrers": ("copies_referrers", lambda mirror: mirror.copies_referrers),
    "copies_foreign_layers": ("copies_foreign_layers", lambda mirror: mirror.copies_foreign_layers),
}
"""By our field: Quay's word for it, ours where Quay has none, and what is shown of its value."""


def record_creation(mirror: Mirror) -> None:
    """A mirror was set up: as in Quay, where it reads from."""
    _record(mirror, "external_reference", mirror.source_reference)


def record_changes(before: Mirror, after: Mirror, *, fields: Collection[str]) -> None:
    """Those of these fields that have changed. A password that was given counts as another one."""
    for field in fields:
        if field in FIELDS and _differs(before, after, field):
            changed, shown = FIELDS[field]
            _record(after, changed, shown(after))


def record_removal(mirror: Mirror) -> None:
    """The mirror is about to be removed."""
    log_entries.record(REMOVED, repository=mirror.repository, external_reference=mirror.source_reference)


def _record(mirror: Mirror, changed: str, to: Any) -> None:
    log_entries.record(CHANGED, repository=mirror.repository, changed=changed, to=to)


def _differs(before: Mirror, after: Mirror, field: str) -> bool:
    if field == "source_password":  # whether it is the same one again is not for a log to tell
        return bool(before.source_password_ciphertext or after.source_password_ciphertext)
    try:
        return bool(getattr(before, field) != getattr(after, field))
    except DecryptionFailed:
        return True
