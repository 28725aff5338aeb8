"""`WWW-Authenticate` and token scopes: pure text in, values out.

Source: RFC 9110 section 11.6.1, and the distribution project's docs/content/spec/auth/{token,scope}.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110's name for a word
_PARAMETER = re.compile(rf'({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))')
_SCHEME = re.compile(rf"({_TOKEN})(?:\s+|\s*(?=,)|\s*$)")
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*\s*(?=,|$)")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way the server wants to be answered: `bearer` or `basic` in lower case, parameters by lower-case name."""

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict)


def parse_challenges(values: Iterable[str]) -> list[Challenge]:
    """Every challenge of every header, in order; what cannot be read is left out."""
    return [challenge for value in values for challenge in _challenges(value)]


def merge_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """One scope per resource, actions and resources sorted: `repository:a:pull,push`."""
    actions: dict[str, set[str]] = {}
    for scope in " ".join(scopes).split():
        resource, colon, names = scope.rpartition(":")
        actions.setdefault(resource if colon else scope, set()).update(filter(None, names.split(",") if colon else ()))
    return tuple(
        f"{resource}:{','.join(sorted(actions[resource]))}" for resource in sorted(actions) if actions[resource]
    )


def _challenges(value: str) -> Iterable[Challenge]:
    position, current = 0, None
    while position < len(value):
        if value[position] in ", \t":
            position += 1
        elif current is not None and (parameter := _PARAMETER.match(value, position)):
            name, quoted, plain = parameter.groups()
            current.parameters.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) if plain is None else plain)
            position = parameter.end()
        elif scheme := _SCHEME.match(value, position):
            if current is not None:
                yield current
            current = Challenge(scheme[1].lower())
            position = scheme.end()
            if token68 := _TOKEN68.match(value, position):
                position = token68.end()
        else:
            position += 1
    if current is not None:
        yield current
