"""The form of a mirror: from what people type to the values that services take, and refusals beside their fields."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils import timezone

from mirrors.errors import InvalidInput, MirrorError
from mirrors.models import Mirror, Repository, Robot
from mirrors.models.encryption import DecryptionFailed
from mirrors.models.mirror import ARCHITECTURES, DEFAULT_INTERVAL, MINIMUM_TIMEOUT, index_modes
from mirrors.oci import IndexMode
from mirrors.oci.redaction import MASK, without_password
from mirrors.services import mirror_fields, signature_policies
from mirrors.tag_filters import split_patterns
from mirrors.web import words
from mirrors.web.forms import REQUIRED
from mirrors.web.widgets import ArchitectureBoxes, checkbox, number_input, password_input, select, text_input

HOUR = 3600
KEPT = "Stored. Leave blank to keep it"
MAXIMUM_TIMEOUT = 12 * HOUR
ARCHITECTURE_NAMES = {
    "amd64": "AMD64 (x86_64)",
    "arm64": "ARM64 (aarch64)",
    "ppc64le": "PowerPC 64 LE",
    "s390x": "IBM Z (s390x)",
}
WITH_POLICY = (
    "Allow unsigned images to be mirrored. Off: an image whose signatures do not meet the policy of the namespace is "
    "not mirrored."
)
WITHOUT_POLICY = (
    "Allow unsigned images to be mirrored. The namespace has no signature policy, so signatures are not looked at "
    "either way, as in Quay; an administrator can give it one."
)
FIELD_OF = {"starts_at": "start_date", "platforms": "other_platforms"}
"""Where the form's field for a service's field has another name."""


class MirrorForm(forms.Form):
    """A mirror's configuration, to set up (`mirror` None) or to change; the names are those of `Mirror`'s columns.

    Each value that was shown travels along as a hidden field, so a change sends only what was changed on this page.
    """

    source_reference = forms.CharField(
        label="Registry Location",
        error_messages={"required": f"{REQUIRED}. Write it like quay.io/organization/repository."},
        help_text="registry[:port]/repository, without https:// and without a tag.",
        widget=text_input(
            "registry-location-input", id="external_reference", placeholder="quay.io/redhat/quay", aria_required="true"
        ),
    )
    tag_patterns = forms.CharField(
        label="Tags",
        error_messages={"required": f"{REQUIRED}. Give at least one pattern, for example: latest, 3.3*, *"},
        help_text="Comma-separated list of tag patterns to synchronize: * any characters, ? one, [12] one of these, "
        "[!12] none of these. Tags here that stop matching are deleted.",
        widget=text_input("tags-input", id="tags", placeholder="Examples: latest, 3.3*, *", aria_required="true"),
    )
    architectures = forms.MultipleChoiceField(
        label="Architecture Filter",
        required=False,
        choices=[(name, ARCHITECTURE_NAMES[name]) for name in ARCHITECTURES],
        widget=ArchitectureBoxes({"id": "architecture_filter"}),
    )
    start_date = forms.DateField(
        required=False,
        error_messages={"invalid": "Invalid date"},
        widget=forms.DateInput({"type": "date", "aria-label": "Sync start date"}, format="%Y-%m-%d"),
    )
    start_time = forms.TimeField(
        required=False,
        error_messages={"invalid": "Invalid time format"},
        widget=forms.TimeInput({"type": "time", "aria-label": "Sync start time"}, format="%H:%M"),
    )
    sync_interval = forms.IntegerField(
        label="Sync Interval",
        min_value=1,
        error_messages={
            "required": f"{REQUIRED}. Give a whole number, for example: 24.",
            "min_value": "Must be a positive number",
            "invalid": "Must be a positive number",
        },
        widget=number_input("sync-interval-input", id="sync_interval", aria_required="true"),
    )
    sync_interval_unit = forms.TypedChoiceField(
        choices=[(size, name) for name, size in reversed(words.INTERVALS)],
        coerce=int,
        widget=select("sync-unit-toggle", aria_label="Sync interval unit"),
    )
    timeout_seconds = forms.IntegerField(
        label="Skopeo timeout interval",
        min_value=MINIMUM_TIMEOUT,
        max_value=MAXIMUM_TIMEOUT,
        help_text="How long one tag may take. Minimum 300 seconds (5 minutes), maximum 43200 seconds (12 hours).",
        error_messages={
            "required": f"{REQUIRED}. Give seconds, for example: 300.",
            "min_value": "Minimum timeout is 300 seconds (5 minutes)",
            "max_value": "Maximum timeout is 43200 seconds (12 hours)",
            "invalid": "Give a whole number of seconds.",
        },
        widget=number_input("skopeo-timeout-input", id="skopeo_timeout_interval", aria_required="true"),
    )
    robot = forms.ModelChoiceField(
        Robot.objects.none(),
        label="Robot User",
        required=False,
        empty_label="Select a robot user...",
        error_messages={"invalid_choice": "There is no such robot user any more. Choose another one."},
        help_text="The account that writes the mirrored tags. It gets the right to write here if it has none.",
        widget=select("robot-user-select", id="robot-user-select", aria_required="true"),
    )
    new_robot = forms.CharField(
        label="Create robot account",
        required=False,
        help_text="The name of a new robot account to use instead, for example: mirror.",
        widget=text_input("robot-wizard-form-name", placeholder="mirror", autocomplete="off"),
    )
    source_username = forms.CharField(
        label="Username",
        required=False,
        widget=text_input("username-input", id="username", autocomplete="off"),
    )
    source_password = forms.CharField(
        label="Password",
        required=False,
        strip=False,
        widget=password_input("password-input", id="external_registry_password"),
    )
    delete_credentials = forms.BooleanField(
        label="Delete credentials",
        required=False,
        help_text="Forget the stored username and password; the source is then read anonymously.",
        widget=checkbox("delete-credentials-checkbox"),
    )
    verify_tls = forms.BooleanField(
        label="Verify TLS",
        required=False,
        help_text="Require HTTPS and verify certificates when talking to the external registry.",
        widget=checkbox("verify-tls-checkbox", id="verify_tls"),
    )
    unsigned_images = forms.BooleanField(
        label="Accept Unsigned Images",
        required=False,
        widget=checkbox("unsigned-images-checkbox", id="unsigned_images"),
    )
    other_platforms = forms.CharField(
        label="Other platforms",
        required=False,
        help_text="Comma-separated, like linux/arm/v7 or windows/amd64: mirrored besides those chosen above.",
        widget=text_input("other-platforms-input", placeholder="Example: linux/arm/v7"),
    )
    index_mode = forms.ChoiceField(
        label="Index of a multi-arch image",
        required=False,
        choices=index_modes,
        help_text="Matters only where not all platforms are mirrored.",
        widget=select("index-mode-select"),
    )
    copies_referrers = forms.BooleanField(
        label="Mirror signatures and attestations",
        required=False,
        help_text="What refers to an image comes along with it: OCI referrers, and cosign's .sig, .att and .sbom tags.",
        widget=checkbox("referrers-checkbox"),
    )
    copies_foreign_layers = forms.BooleanField(
        label="Mirror foreign layers",
        required=False,
        help_text="Base layers of Windows stay at Microsoft by their licence unless you have the right to copy them.",
        widget=checkbox("foreign-layers-checkbox"),
    )
    http_proxy = forms.CharField(
        label="HTTP Proxy",
        required=False,
        widget=text_input("http-proxy-input", id="http_proxy", placeholder="proxy.example.com"),
    )
    https_proxy = forms.CharField(
        label="HTTPs Proxy",
        required=False,
        widget=text_input("https-proxy-input", id="https_proxy", placeholder="proxy.example.com"),
    )
    no_proxy = forms.CharField(
        label="No Proxy",
        required=False,
        widget=text_input("no-proxy-input", id="no_proxy", placeholder="example.com"),
    )

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
        has_policy = signature_policies.has_policy(repository.namespace)
        self.fields["unsigned_images"].help_text = WITH_POLICY if has_policy else WITHOUT_POLICY
        self.fields["start_date"].label = "Next Sync Date" if mirror else "Start Date"
        if mirror:
            is_stored = mirror.source_password_ciphertext is not None
            self.fields["source_username"].widget.attrs["placeholder"] = "None"
            self.fields["source_password"].widget.attrs["placeholder"] = KEPT if is_stored else "None"

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
        if {"architectures", "other_platforms"} <= set(cleaned) and {"architectures", "other_platforms"} & changed:
            values["platforms"] = [*cleaned["architectures"], *split_patterns(cleaned["other_platforms"])]
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
        return values | self._credentials()

    def refuse(self, error: MirrorError, *, field: str = "") -> None:
        """Show a service's refusal beside its field, or above the form where it has none."""
        name = field or FIELD_OF.get(error.field, error.field)
        self.add_error(name if name in self.fields else None, error.message)

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
