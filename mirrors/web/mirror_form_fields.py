"""The fields of a mirror's form: labels, hints, controls, and what they say to what cannot be read at all."""

from __future__ import annotations

from django import forms

from mirrors.models import Robot
from mirrors.models.mirror import ARCHITECTURES, MINIMUM_TIMEOUT, index_modes
from mirrors.web import words
from mirrors.web.forms import REQUIRED
from mirrors.web.widgets import ArchitectureBoxes, checkbox, number_input, password_input, select, text_input

MAXIMUM_TIMEOUT = 12 * 3600
ARCHITECTURE_NAMES = {
    "amd64": "AMD64 (x86_64)",
    "arm64": "ARM64 (aarch64)",
    "ppc64le": "PowerPC 64 LE",
    "s390x": "IBM Z (s390x)",
}


class MirrorFields(forms.Form):
    """A mirror's configuration; the names are those of `Mirror`'s columns."""

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
    other_platforms = forms.CharField(
        label="Other platforms",
        required=False,
        help_text="Comma-separated, as architecture, system/architecture or system/architecture/variant. They are "
        "mirrored besides those chosen above.",
        widget=text_input(
            "other-platforms-input", id="other_platforms", placeholder="Example: linux/arm/v7", autocomplete="off"
        ),
    )
    index_mode = forms.ChoiceField(
        label="Index of a multi-arch image",
        choices=index_modes,
        help_text="Kept, it lists images that the target does not have, and a few registries take no such index. "
        "Rewritten, it has another digest than at the source, and signatures of the source's index stay behind.",
        widget=select("index-mode-select", id="index_mode"),
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
    copies_referrers = forms.BooleanField(
        label="Mirror Signatures and Attestations",
        required=False,
        help_text="What refers to an image comes along with it: OCI referrers, and cosign's .sig, .att and .sbom tags.",
        widget=checkbox("referrers-checkbox", id="copies_referrers"),
    )
    copies_foreign_layers = forms.BooleanField(
        label="Mirror Foreign Layers",
        required=False,
        help_text="Layers that an image only links to, as the base layers of older Windows images. Off: whoever pulls "
        "fetches them from their own address. Their licence may forbid copies.",
        widget=checkbox("foreign-layers-checkbox", id="copies_foreign_layers"),
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
