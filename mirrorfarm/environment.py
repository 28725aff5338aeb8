"""Reads settings from the environment: typed, also from files, and a wrong value stops the start with a sentence.

`NAME_FILE=/run/secrets/x` gives NAME from a file, for every setting; NAME and NAME_FILE together are refused.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})


class Environment:
    """Typed access to one mapping of variables; values in error sentences are shown only where they are no secrets."""

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self.variables = os.environ if variables is None else variables

    def text(self, name: str, default: str = "", *, choices: tuple[str, ...] = ()) -> str:
        """The variable's text, stripped; the default where it is unset or empty."""
        value = self._raw(name) or default
        if choices and value not in choices:
            raise ImproperlyConfigured(f"{name} is {value!r}: give one of {', '.join(choices)}.")
        return value

    def integer(self, name: str, default: int, *, minimum: int = 0, maximum: int | None = None) -> int:
        """A whole number within its bounds."""
        value = self._raw(name)
        if not value:
            return default
        bounds = f"at least {minimum}" + (f" and at most {maximum}" if maximum is not None else "")
        try:
            number = int(value)
        except ValueError:
            raise ImproperlyConfigured(f"{name} is {value!r}: give a whole number, {bounds}.") from None
        if number < minimum or (maximum is not None and number > maximum):
            raise ImproperlyConfigured(f"{name} is {number}: give a whole number, {bounds}.")
        return number

    def boolean(self, name: str, default: bool) -> bool:
        """True or false, in the usual words."""
        value = self._raw(name).lower()
        if not value:
            return default
        if value not in TRUE_WORDS | FALSE_WORDS:
            raise ImproperlyConfigured(f"{name} is {value!r}: give true or false.")
        return value in TRUE_WORDS

    def words(self, name: str, default: tuple[str, ...] = ()) -> list[str]:
        """A comma-separated list, blanks dropped."""
        value = self._raw(name)
        return [word.strip() for word in value.split(",") if word.strip()] if value else list(default)

    def networks(self, name: str) -> list[str]:
        """A comma-separated list of networks, as they were written."""
        networks = self.words(name)
        for network in networks:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise ImproperlyConfigured(f"{name} holds {network!r}, which is no network: {error}.") from None
        return networks

    def path(self, name: str, default: Path) -> Path:
        """An absolute path; `~` is the home directory."""
        value = self._raw(name)
        return Path(value).expanduser().resolve() if value else default

    def url(self, name: str, default: str = "", *, schemes: tuple[str, ...]) -> str:
        """A URL of one of the schemes. It may hold a password, so the error does not repeat it."""
        value = self._raw(name) or default
        if not value:
            return ""
        try:
            parts = urlsplit(value)
            parts.port  # noqa: B018 - reading it checks it
        except ValueError:
            raise ImproperlyConfigured(f"{name} is not a valid URL: check its host and port.") from None
        if parts.scheme not in schemes:
            raise ImproperlyConfigured(
                f"{name} is not a URL that starts with {' or '.join(s + '://' for s in schemes)}."
            )
        return value

    def _raw(self, name: str) -> str:
        direct, file_name = self.variables.get(name, "").strip(), self.variables.get(f"{name}_FILE", "").strip()
        if direct and file_name:
            raise ImproperlyConfigured(f"{name} and {name}_FILE are both set: keep one of them.")
        if not file_name:
            return direct
        try:
            return Path(file_name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise ImproperlyConfigured(f"{name}_FILE names {file_name}, which cannot be read: {reason}.") from None
