"""The admin's forms: what a hand may type and no constraint of the database refuses in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.forms.models import BaseInlineFormSet

from mirrors.errors import InvalidInput
from mirrors.models import Namespace, Registry, Robot, Team, User
from mirrors.models.names import HINTS, REPOSITORY_NAME
from mirrors.oci.images.names import is_repository_name
from mirrors.services.accounts import teams
from mirrors.services.syncs import certificates, signature_policies

if TYPE_CHECKING:
    RegistryModelForm = forms.ModelForm[Registry]
    NamespaceModelForm = forms.ModelForm[Namespace]
    TeamModelForm = forms.ModelForm[Team]
    InlineFormSet = BaseInlineFormSet[Any, Any, Any]
else:  # Django's classes take no type arguments when they run
    RegistryModelForm = NamespaceModelForm = TeamModelForm = forms.ModelForm
    InlineFormSet = BaseInlineFormSet


FORGET = "-"
LINES = {"autocomplete": "off", "class": "vLargeTextField", "rows": 5, "spellcheck": "false"}
STORED = "Stored, and not shown. Empty: keep it. A single dash: forget it."
NOT_STORED = "None is stored. What is typed here is kept encrypted and never shown again."


class SecretTextarea(forms.Textarea):
    """Lines of text that are taken and never sent back, not even beside an error."""

    def format_value(self, value: Any) -> str | None:
        """Nothing."""
        return None


class SecretField(forms.CharField):
    """A secret that can be set and not read: empty keeps what is stored, a dash forgets it."""

    def __init__(self, widget: forms.Widget | None = None, *, label: str | None = None, what: str = "") -> None:
        self.what = what
        super().__init__(
            label=label,
            required=False,
            strip=False,
            widget=widget or forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"}),
        )

    def tell(self, *, is_stored: bool) -> None:
        """Say beside the field whether there is one."""
        self.help_text = f"{self.what} {STORED if is_stored else NOT_STORED}".strip()


class RegistryForm(RegistryModelForm):
    """A registry; its account, its client certificate and its proxies are kept encrypted."""

    SECRETS = ("username", "password", "client_certificate", "http_proxy", "https_proxy")

    username = SecretField()
    password = SecretField()
    client_certificate = SecretField(
        SecretTextarea(attrs=LINES),
        what="The certificate with its chain and its private key, which needs no password, as one text in PEM format.",
    )
    http_proxy = SecretField(label="HTTP proxy")
    https_proxy = SecretField(label="HTTPS proxy")

    class Meta:
        model = Registry
        fields = (
            "name",
            "address",
            "kind",
            "repository_prefix",
            "verify_tls",
            "ca_certificate",
            "lends_client_certificate",
            "no_proxy",
            "max_connections",
            "bandwidth",
        )
        labels = {"verify_tls": "Verify TLS", "ca_certificate": "CA certificates"}
        widgets = {"ca_certificate": forms.Textarea(attrs=LINES)}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in self.SECRETS:
            field = self.fields[name]
            assert isinstance(field, SecretField)  # noqa: S101 - they are declared above
            field.tell(is_stored=getattr(self.instance, f"{name}_ciphertext") is not None)

    def clean_repository_prefix(self) -> str:
        """A path as registries take it; slashes around it are left out."""
        prefix: str = self.cleaned_data["repository_prefix"].strip("/")
        if prefix and not is_repository_name(prefix):
            raise forms.ValidationError(HINTS[REPOSITORY_NAME])
        return prefix

    def clean_ca_certificate(self) -> str:
        """Certificates that can be read."""
        return self._checked("ca_certificate", certificates.check_authorities)

    def clean_client_certificate(self) -> str:
        """A certificate with its key, or what keeps or forgets the stored one."""
        self.cleaned_data["client_certificate"] = self.cleaned_data["client_certificate"].strip()
        if self.cleaned_data["client_certificate"] == FORGET:
            return FORGET
        return self._checked("client_certificate", certificates.check_client_certificate)

    def save(self, commit: bool = True) -> Registry:
        """Set the secrets that were typed."""
        for name in self.SECRETS:
            if text := self.cleaned_data[name]:
                setattr(self.instance, name, None if text == FORGET else text)
        return super().save(commit)

    def _checked(self, name: str, check: Callable[[str], None]) -> str:
        text: str = self.cleaned_data[name].replace("\r\n", "\n")
        try:
            if text:
                check(text)
        except InvalidInput as error:
            raise forms.ValidationError(error.message) from error
        return text


class NamespaceForm(NamespaceModelForm):
    """A namespace; its signature policy is typed as the text of a containers-policy.json."""

    signature_policy = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs=LINES | {"rows": 12}),
        help_text="Which signatures images need before they are mirrored, in the words of containers-policy.json, for "
        'example [{"type": "sigstoreSigned", "keyData": "…"}]: see docs/signatures.md. It does not bind mirrors that '
        "accept unsigned images. Empty: signatures are not looked at.",
    )

    class Meta:
        model = Namespace
        fields = ("name", "email", "target_registry", "signature_policy")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        policy = self.instance.signature_policy
        self.initial["signature_policy"] = "" if policy is None else json.dumps(policy, indent=2, ensure_ascii=False)

    def clean_signature_policy(self) -> dict[str, object] | None:
        """A policy that can be enforced, or none."""
        try:
            return signature_policies.check_policy(self.cleaned_data["signature_policy"])
        except InvalidInput as error:
            raise forms.ValidationError(error.message) from error


class TeamForm(TeamModelForm):
    """A team of an organization."""

    class Meta:
        model = Team
        fields = ("namespace", "name", "role", "description")

    def clean_namespace(self) -> Namespace:
        """People's own spaces have no teams."""
        namespace: Namespace = self.cleaned_data["namespace"]
        if namespace.kind != Namespace.Kind.ORGANIZATION:
            raise forms.ValidationError(f"{namespace} is a user's own space, which has no teams.")
        return namespace


class TeamMemberFormSet(InlineFormSet):
    """Who is in a team: each once, and robots of the same organization alone."""

    def clean(self) -> None:
        """What neither a field nor a constraint of the database says in words."""
        super().clean()
        seen: set[Any] = set()
        for form in self.forms:
            values = getattr(form, "cleaned_data", {})
            account = values.get("user") or values.get("robot")
            if account is None or form.instance.pk is not None:
                continue
            if account in seen:
                form.add_error(None, f"{account} is in this team already.")
            seen.add(account)
            self._check_organization(form, account)

    def _check_organization(self, form: Any, account: User | Robot) -> None:
        if self.instance.namespace_id is None:  # the team's own form has an error of its own
            return
        try:
            teams.check_member(self.instance.namespace, account)
        except InvalidInput as error:
            form.add_error("robot", error.message)


class PermissionFormSet(InlineFormSet):
    """The rights on a repository: one for each user, robot and team."""

    def clean(self) -> None:
        """Refuse a second right of the same account: Django compares rows for unconditional constraints alone."""
        super().clean()
        seen: set[Any] = set()
        for form in self.forms:
            values = getattr(form, "cleaned_data", {})
            account = values.get("user") or values.get("robot") or values.get("team")
            if account is None or values.get("DELETE"):
                continue
            if account in seen:
                form.add_error(None, f"{account} has a right on this repository already: change that one.")
            seen.add(account)
