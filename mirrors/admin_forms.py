"""The admin's forms: what a hand may type and no constraint of the database refuses in words."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from django import forms
from django.forms.models import BaseInlineFormSet

from mirrors.models import Registry
from mirrors.models.names import HINTS, REPOSITORY_NAME
from mirrors.oci.names import is_repository_name

if TYPE_CHECKING:
    RegistryModelForm = forms.ModelForm[Registry]
    InlineFormSet = BaseInlineFormSet[Any, Any, Any]
else:  # Django's classes take no type arguments when they run
    RegistryModelForm, InlineFormSet = forms.ModelForm, BaseInlineFormSet


class SecretField(forms.CharField):
    """A secret that can be set and not read: empty keeps what is stored, a dash forgets it."""

    def __init__(self) -> None:
        super().__init__(
            required=False,
            strip=False,
            widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"}),
            help_text="Not shown. Empty: keep what is stored. A single dash: forget it.",
        )


class RegistryForm(RegistryModelForm):
    """A registry; its account and proxies are kept encrypted."""

    SECRETS = ("username", "password", "http_proxy", "https_proxy")

    username = SecretField()
    password = SecretField()
    http_proxy = SecretField()
    https_proxy = SecretField()

    class Meta:
        model = Registry
        fields = (
            "name",
            "address",
            "repository_prefix",
            "verify_tls",
            "ca_certificate",
            "no_proxy",
            "max_connections",
        )

    def clean_repository_prefix(self) -> str:
        """A path as registries take it; slashes around it are left out."""
        prefix: str = self.cleaned_data["repository_prefix"].strip("/")
        if prefix and not is_repository_name(prefix):
            raise forms.ValidationError(HINTS[REPOSITORY_NAME])
        return prefix

    def clean_ca_certificate(self) -> str:
        """Certificates that can be read."""
        text: str = self.cleaned_data["ca_certificate"]
        if text:
            try:
                ssl.create_default_context(cadata=text)
            except (ssl.SSLError, ValueError) as error:
                raise forms.ValidationError("Give certificates as text in PEM format.") from error
        return text

    def save(self, commit: bool = True) -> Registry:
        """Set the secrets that were typed."""
        for name in self.SECRETS:
            if text := self.cleaned_data[name]:
                setattr(self.instance, name, None if text == "-" else text)
        return super().save(commit)


class PermissionFormSet(InlineFormSet):
    """The rights on a repository: one for each user and robot."""

    def clean(self) -> None:
        """Refuse a second right of the same account: Django compares rows for unconditional constraints alone."""
        super().clean()
        seen: set[Any] = set()
        for form in self.forms:
            values = getattr(form, "cleaned_data", {})
            account = values.get("user") or values.get("robot")
            if account is None or values.get("DELETE"):
                continue
            if account in seen:
                form.add_error(None, f"{account} has a right on this repository already: change that one.")
            seen.add(account)
