"""The form of a mirror: from what people type to the values that services take, and refusals beside their fields."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from mirrors.errors import InvalidInput, MirrorError
from mirrors.models import Mirror, Repository
from mirrors.models.encryption import DecryptionFailed
from mirrors.models.mirror import ARCHITECTURES, DEFAULT_INTERVAL, MINIMUM_TIMEOUT
from mirrors.oci import IndexMode
from mirrors.oci.redaction import MASK, without_password
from mirrors.services.mirroring import mirror_fields
from mirrors.services.syncs import signature_policies
from mirrors.tag_filters import split_patterns
from mirrors.web import words
from mirrors.web.forms import REQUIRED
from mirrors.web.mirror_form_fields import MirrorFields

HOUR = 3600
KEPT = "Stored. Leave blank to keep it"
WITH_POLICY = (
    "Allow unsigned images to be mirrored: the signature policy of {namespace} is not looked at. Off: only images "
    "that meet it are mirrored."
)
WITHOUT_POLICY = (
    "Allow unsigned images to be mirrored. {namespace} has no signature policy, so signatures are not looked at either "
    "way, as in Quay. Administrators of this farm can give it one."
)
FIELD_OF = {"starts_at": "start_date", "platforms": "other_platforms"}
"""Where the form's field for a service's field has another name."""


class MirrorForm(MirrorFields):
    """A mirror's configuration, to set up (`mirror` None) or to change.

    Each value that was shown travels along as a hidden field, so a change sends only what was changed on this page.
    """

    use_required_attribute = False  # the server says what is missing, in the same way for everyone

    def __init__(self, *args: Any, repository: Repository, mirror: Mirror | None, **options: Any) -> None:
        self.mirror = mirror
        self.cannot_decrypt = False
        initial = self._initial_of(mirror) if mirror else self._defaults()
        super().__init__(*args, **options | {"initial": initial})
        robots: Any = self.fields["robot"]
        robots.queryset = repository.namespace.robots.select_related("namespace")
        self.has_robots = robots.queryset.exists()
        for name, field in self.fields.items():
            field.show_hidden_initial = name not in ("source_password", "delete_credentials", "new_robot")
        hint = WITH_POLICY if signature_policies.has_policy(repository.namespace) else WITHOUT_POLICY
        self.fields["unsigned_images"].help_text = hint.format(namespace=repository.namespace)
        self.fields["start_date"].label = "Next Sync Date" if mirror else "Start Date"
        if mirror:
            is_stored = mirror.source_password_ciphertext is not None
            self.fields["source_username"].widget.attrs["placeholder"] = "None"
            self.fields["source_password"].widget.attrs["placeholder"] = KEPT if is_stored else "None"

    @property
    def chosen_platforms(self) -> list[str]:
        """What is chosen in the form as it is shown, saved or not."""
        boxes, typed = self["architectures"].value() or [], self["other_platforms"].value() or ""
        return list(dict.fromkeys([*boxes, *split_patterns(typed)]))

    @property
    def platforms_sentence(self) -> str:
        """The same in words, as `app.js` says it while people choose."""
        return words.chosen_platforms(
            self.chosen_platforms, is_rewritten=self["index_mode"].value() == IndexMode.REWRITTEN
        )

    @property
    def has_credentials(self) -> bool:
        """Whether there is anything to delete."""
        return bool(self.mirror and (self.mirror.source_username_ciphertext or self.mirror.source_password_ciphertext))

    def clean(self) -> dict[str, Any]:
        """Check all fields as the services will, so that every mistake is shown at once."""
        cleaned = super().clean() or self.cleaned_data
        if not cleaned.get("robot") and not cleaned.get("new_robot") and "robot" not in self.errors:
            self.add_error("robot", f"{REQUIRED}. Choose a robot user, or create a robot account below.")
        lacks_username = cleaned.get("source_password") and not cleaned.get("source_username")
        if lacks_username and not cleaned.get("delete_credentials"):
            self.add_error("source_username", "Username is required when setting a password")
        self._clean_start()
        for name in ("http_proxy", "https_proxy"):
            if name in self.changed_data and MASK in cleaned.get(name, ""):
                self.add_error(name, f"Type the proxy's password in place of {MASK}, or leave the field as it was.")
        for name, value in self.values().items():
            self._check(name, value)
        return cleaned

    def values(self) -> dict[str, Any]:
        """What the services are to set: everything for a new mirror, for an old one only what was changed here."""
        cleaned, changed = self.cleaned_data, set(self.changed_data)
        names = (set(cleaned) if self.mirror is None else changed & set(cleaned)) & set(mirror_fields.CLEANERS)
        values = {name: cleaned[name] for name in names - {"sync_interval", "tag_patterns", "robot", "source_password"}}
        for name in {"http_proxy", "https_proxy", "no_proxy"} & set(values):
            values[name] = values[name] or None  # an empty field is none; only the API can say an empty text
        if "tag_patterns" in names:
            values["tag_patterns"] = split_patterns(cleaned["tag_patterns"])
        if {"sync_interval", "sync_interval_unit"} <= set(cleaned) and (
            self.mirror is None or {"sync_interval", "sync_interval_unit"} & changed
        ):
            values["sync_interval"] = cleaned["sync_interval"] * cleaned["sync_interval_unit"]
        if "robot" in names and cleaned["robot"]:
            values["robot"] = cleaned["robot"]
        if {"start_date", "start_time"} & changed and cleaned.get("start_date") and cleaned.get("start_time"):
            values["starts_at"] = datetime.combine(cleaned["start_date"], cleaned["start_time"], tzinfo=UTC)
        return values | self._platforms() | self._credentials()

    def refuse(self, error: MirrorError, *, field: str = "") -> None:
        """Show a service's refusal beside its field, or above the form where it has none."""
        name = field or FIELD_OF.get(error.field, error.field)
        self.add_error(name if name in self.fields else None, error.message)

    def _platforms(self) -> dict[str, Any]:
        """Two fields make one column: the one that was not changed here counts as it is stored now."""
        names = ("architectures", "other_platforms")
        changed = set(names) & set(self.changed_data)
        if not changed or not set(names) <= set(self.cleaned_data):
            return {}
        chosen, others = (self.cleaned_data[name] if name in changed else self.initial[name] for name in names)
        return {"platforms": [*chosen, *split_patterns(others)]}

    def _credentials(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if cleaned.get("delete_credentials"):
            return {"source_username": None, "source_password": None}
        if cleaned.get("source_password"):
            return {"source_username": cleaned.get("source_username"), "source_password": cleaned["source_password"]}
        return {}

    def _clean_start(self) -> None:
        cleaned = self.cleaned_data
        given = [bool(cleaned.get(name)) for name in ("start_date", "start_time")]
        if {"start_date", "start_time"} & set(self.errors) or all(given):
            return
        if any(given):
            self.add_error("start_date", "Give both a date and a time, in UTC.")
        elif self.mirror and self.initial["start_date"]:
            self.add_error("start_date", f"{REQUIRED}. Give the date and time of the next sync, in UTC.")

    def _check(self, name: str, value: Any) -> None:
        field = FIELD_OF.get(name, name)
        if field in self.errors:
            return
        try:
            mirror_fields.CLEANERS[name](value)
        except InvalidInput as error:
            self.refuse(error)

    @staticmethod
    def _defaults() -> dict[str, Any]:
        return {
            "architectures": [],
            "other_platforms": "",
            "sync_interval": DEFAULT_INTERVAL // HOUR,
            "sync_interval_unit": HOUR,
            "timeout_seconds": MINIMUM_TIMEOUT,
            "verify_tls": True,
            "unsigned_images": False,
            "index_mode": IndexMode.SPARSE,
            "copies_referrers": True,
        }

    def _initial_of(self, mirror: Mirror) -> dict[str, Any]:
        amount, unit = words.interval_parts(mirror.sync_interval)
        due = mirror.next_sync_at and timezone.localtime(mirror.next_sync_at, UTC).replace(second=0, microsecond=0)
        return {
            "source_reference": mirror.source_reference,
            "tag_patterns": ", ".join(mirror.tag_patterns),
            "architectures": [platform for platform in mirror.platforms if platform in ARCHITECTURES],
            "other_platforms": ", ".join(platform for platform in mirror.platforms if platform not in ARCHITECTURES),
            "index_mode": mirror.index_mode,
            "copies_referrers": mirror.copies_referrers,
            "copies_foreign_layers": mirror.copies_foreign_layers,
            "start_date": due and due.date(),
            "start_time": due and due.time(),
            "sync_interval": amount,
            "sync_interval_unit": unit,
            "timeout_seconds": mirror.timeout_seconds,
            "robot": mirror.robot_id,
            "source_username": self._secret(mirror, "source_username"),
            "verify_tls": mirror.wants_tls_verified,
            "unsigned_images": bool(mirror.unsigned_images),
            "http_proxy": without_password(self._secret(mirror, "http_proxy")),
            "https_proxy": without_password(self._secret(mirror, "https_proxy")),
            "no_proxy": mirror.no_proxy or "",
        }

    def _secret(self, mirror: Mirror, field: str) -> str:
        try:
            return getattr(mirror, field) or ""
        except DecryptionFailed:
            self.cannot_decrypt = True
            return ""
