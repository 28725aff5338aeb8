"""Form controls with what PatternFly and Quay's test ids want of them."""

from __future__ import annotations

from typing import Any

from django import forms


def text_input(test_id: str, **attributes: Any) -> forms.TextInput:
    """A text field; an attribute's `_` is a `-` in HTML."""
    return forms.TextInput(_attributes(test_id, attributes))


def number_input(test_id: str, **attributes: Any) -> forms.TextInput:
    """A text field for digits: unlike a number field it keeps what was mistyped."""
    return text_input(test_id, inputmode="numeric", **attributes)


def password_input(test_id: str, **attributes: Any) -> forms.PasswordInput:
    """A password field, never filled in by the server or the browser."""
    return forms.PasswordInput(_attributes(test_id, attributes | {"autocomplete": "new-password"}))


def select(test_id: str, **attributes: Any) -> forms.Select:
    """A select."""
    return forms.Select(_attributes(test_id, attributes))


def checkbox(test_id: str, **attributes: Any) -> forms.CheckboxInput:
    """A checkbox."""
    return forms.CheckboxInput(_attributes(test_id, attributes | {"class": "pf-v6-c-check__input"}))


def _attributes(test_id: str, attributes: dict[str, Any]) -> dict[str, Any]:
    return {"data-testid": test_id} | {name.replace("_", "-"): value for name, value in attributes.items()}


class ArchitectureBoxes(forms.CheckboxSelectMultiple):
    """Checkboxes, each with Quay's test id."""

    def create_option(self, name: str, value: Any, *args: Any, **options: Any) -> dict[str, Any]:
        """One checkbox."""
        option = super().create_option(name, value, *args, **options)
        option["attrs"] |= {"data-testid": f"architecture-option-{value}", "class": "pf-v6-c-check__input"}
        return option
