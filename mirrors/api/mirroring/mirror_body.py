"""A mirror as the contract shows it. Quay's words for its status are made here and exist nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mirrors.api.dates import date
from mirrors.api.operations import BOOLEAN, DATE, INTEGER, STRING, answer, array, or_null
from mirrors.models import Mirror, Sync
from mirrors.models.encryption import DecryptionFailed
from mirrors.models.mirror import ARCHITECTURES
from mirrors.models.sync import Status, Trigger
from mirrors.oci import Code, IndexMode, Side
from mirrors.oci.redaction import without_password
from mirrors.services.mirroring.mirror_status import MirrorStatus

DATE_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
RULE_KIND = "tag_glob_csv"
NOT_DECRYPTABLE = "(invalid. please re-enter)"
PROXIES = ("http_proxy", "https_proxy", "no_proxy")
SWITCHES = ("verify_tls", "unsigned_images")

OF_FINISHED = {
    Status.SUCCEEDED: "SUCCESS",
    Status.FAILED: "FAIL",
    Status.LOST: "FAIL",
    Status.CANCELLED: "CANCEL",
}

ERROR_OF_SYNC = answer(
    {
        "code": {"type": "string", "enum": [code.value for code in Code]},
        "side": or_null({"type": "string", "enum": [side.value for side in Side]}),
        "message": STRING,
        "at": or_null(DATE),
    }
)
REGISTRY_CONFIG = answer(
    {}, {**dict.fromkeys(SWITCHES, BOOLEAN), "proxy": answer({}, dict.fromkeys(PROXIES, or_null(STRING)))}
)
STATUS_WORD = {"type": "string", "enum": ["NEVER_RUN", "SYNC_NOW", "SYNCING", "SUCCESS", "FAIL", "CANCEL"]}
MIRROR_BODY = answer(
    {
        "is_enabled": BOOLEAN,
        "mirror_type": {"type": "string", "enum": ["PULL"]},
        "external_reference": STRING,
        "external_registry_username": or_null(STRING),
        "external_registry_config": REGISTRY_CONFIG,
        "sync_interval": INTEGER,
        "sync_start_date": or_null(DATE),
        "sync_expiration_date": or_null(DATE),
        "sync_retries_remaining": INTEGER,
        "sync_status": STATUS_WORD,
        "root_rule": answer({"rule_kind": {"type": "string", "enum": [RULE_KIND]}, "rule_value": array(STRING)}),
        "robot_username": or_null(STRING),
        "skopeo_timeout_interval": INTEGER,
        "architecture_filter": array({"type": "string", "enum": list(ARCHITECTURES)}),
        "platforms": array(STRING),
        "index_mode": {"type": "string", "enum": list(IndexMode)},
        "copies_referrers": BOOLEAN,
        "copies_foreign_layers": BOOLEAN,
        "kept_tags": array(STRING),
        "last_error": or_null(ERROR_OF_SYNC),
    }
)


def mirror_body(status: MirrorStatus) -> dict[str, Any]:
    """What GET …/mirror answers: Quay's keys, and from `platforms` on ours. Never a password."""
    mirror = status.mirror
    word = sync_status(status)
    return {
        "is_enabled": mirror.is_enabled,
        "mirror_type": "PULL",
        "external_reference": mirror.source_reference,
        "external_registry_username": readable(lambda: mirror.source_username),
        "external_registry_config": registry_config(mirror),
        "sync_interval": mirror.sync_interval,
        "sync_start_date": date(mirror.next_sync_at),
        "sync_expiration_date": date(status.active.lease_expires_at) if status.active and word == "SYNCING" else None,
        "sync_retries_remaining": 0 if word == "CANCEL" else status.attempts_left,
        "sync_status": word,
        "root_rule": {"rule_kind": RULE_KIND, "rule_value": mirror.tag_patterns},
        "robot_username": mirror.robot.full_name,
        "skopeo_timeout_interval": mirror.timeout_seconds,
        "architecture_filter": mirror.architectures,
        "platforms": mirror.platforms,
        "index_mode": mirror.index_mode,
        "copies_referrers": mirror.copies_referrers,
        "copies_foreign_layers": mirror.copies_foreign_layers,
        "kept_tags": mirror.kept_tags,
        "last_error": last_error(status),
    }


def sync_status(status: MirrorStatus) -> str:
    """Quay's word. A sync that only the schedule has queued leaves the word of the one before it."""
    active = status.active
    if active and active.status == Status.RUNNING:
        # Quay says CANCEL at once, while its worker still has to notice.
        return "CANCEL" if status.is_cancelling else "SYNCING"
    if active and active.trigger == Trigger.MANUAL:
        return "SYNC_NOW"
    if active and active.restores is None and active.trigger in (Trigger.RETRY, Trigger.RECOVERY):
        return "FAIL"
    return OF_FINISHED[Status(status.finished.status)] if status.finished else "NEVER_RUN"


def last_error(status: MirrorStatus) -> dict[str, Any] | None:
    """What went wrong in the last sync that ended; None when nothing did. A cancel is no error."""
    failed = status.error
    return None if failed is None or failed.status == Status.CANCELLED else error_body(failed)


def error_body(sync: Sync) -> dict[str, Any]:
    """Code (of a closed list), side (source, target or null), a sentence, and when."""
    return {
        "code": sync.error_code,
        "side": sync.error_side or None,
        "message": sync.message,
        "at": date(sync.finished_at),
    }


def registry_config(mirror: Mirror) -> dict[str, Any]:
    """The keys that were ever given, and those that were set elsewhere than in this API."""
    given = set(mirror.registry_config_keys)
    config: dict[str, Any] = {name: getattr(mirror, name) for name in SWITCHES if getattr(mirror, name) is not None}
    shown = {name: shown_proxy(mirror, name) for name in PROXIES}
    proxy = {name: value for name, value in shown.items() if value is not None or f"proxy.{name}" in given}
    return config | ({"proxy": proxy} if proxy or "proxy" in given else {})


def shown_proxy(mirror: Mirror, name: str) -> str | None:
    """A proxy's address, its password masked."""
    return without_password(readable(lambda: getattr(mirror, name)))


def readable(read: Callable[[], str | None]) -> str | None:
    """The stored secret, or Quay's words for one that cannot be decrypted."""
    try:
        return read()
    except DecryptionFailed:
        return NOT_DECRYPTABLE
