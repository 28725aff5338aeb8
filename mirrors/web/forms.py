"""The form of a new repository."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from mirrors.errors import MirrorError
from mirrors.models import Namespace, Repository
from mirrors.web.widgets import select, text_input

REQUIRED = "This field is required"


class RepositoryForm(forms.Form):
    """A new repository."""

    namespace = forms.ModelChoiceField(
        Namespace.objects.none(),
        to_field_name="name",
        empty_label=None,
        error_messages={"required": "Select a namespace", "invalid_choice": "You may not create repositories there."},
        widget=select("selected-namespace-dropdown", aria_required="true"),
    )
    name = forms.CharField(
        label="Repository name",
        help_text="Lower-case letters and digits, with . _ - between them and / between parts.",
        error_messages={"required": f"{REQUIRED}. Give a name, for example: alpine."},
        widget=text_input("repository-name-input", aria_required="true", autocomplete="off", autofocus=True),
    )
    description = forms.CharField(
        label="Repository description",
        required=False,
        widget=text_input("repository-description-input"),
    )
    visibility = forms.ChoiceField(
        label="Repository visibility",
        choices=[
            (Repository.Visibility.PRIVATE, "Private: only accounts with a right on it can see it and pull"),
            (Repository.Visibility.PUBLIC, "Public: anyone can see it and pull"),
        ],
        initial=Repository.Visibility.PRIVATE,
        widget=forms.RadioSelect({"class": "pf-v6-c-radio__input"}),
    )
    use_required_attribute = False

    def __init__(self, *args: Any, namespaces: QuerySet[Namespace], **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["namespace"]
        field.queryset = namespaces

    def refuse(self, error: MirrorError) -> None:
        """Show a service's refusal beside its field."""
        self.add_error(error.field if error.field in self.fields else "name", error.message)
