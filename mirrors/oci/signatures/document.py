"""Reads JSON strictly, as containers-policy.json(5) wants: a member that is unknown, doubled or odd refuses it all."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from mirrors.oci.errors import InvalidPolicy

_LARGEST = 1024 * 1024


def load_policy(text: str) -> Any:
    """The document of a policy's text; raises InvalidPolicy."""
    if len(text) > _LARGEST:
        raise InvalidPolicy("The policy is larger than 1 MiB. Keep only the scopes that are needed.")
    try:
        return load_json(text)
    except json.JSONDecodeError as error:
        raise InvalidPolicy(
            f"The policy is not JSON: {error.msg} at line {error.lineno}, column {error.colno}. Mind that JSON has "
            "no comments."
        ) from None
    except (ValueError, RecursionError) as error:
        raise InvalidPolicy(f"The policy is not JSON that can be read: {error}.") from None


def load_json(content: str | bytes) -> Any:
    """The document, in which no object has a member twice; raises ValueError or RecursionError."""
    return json.loads(content, object_pairs_hook=_without_doubles)


def _without_doubles(members: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(members)
    if len(document) != len(members):
        # Two readers could take one document for two different ones.
        raise ValueError("an object has the same member twice")
    return document


def read_object(value: Any, *, path: str, members: Collection[str] | None = None) -> dict[str, Any]:
    """The value as an object. members: the only ones it may have, or None for any."""
    if not isinstance(value, dict):
        raise refusal(path, f"here stands {_kind(value)} where an object, {{...}}, belongs")
    for name in value:
        if members is not None and name not in members:
            raise refusal(f"{path}.{_shown(name)}", f"there is no such member. Known are {', '.join(sorted(members))}")
    return value


def read_list(value: Any, *, path: str) -> list[Any]:
    """The value as a list that is not empty."""
    if not isinstance(value, list):
        raise refusal(path, f"here stands {_kind(value)} where a list, [...], belongs")
    if not value:
        raise refusal(path, "the list is empty. Write at least one entry into it")
    return value


def read_text(document: dict[str, Any], name: str, *, path: str) -> str:
    """A member that has to be there and to be a text."""
    if name not in document:
        raise refusal(path, f'the member "{name}" is missing. Add it')
    return as_text(document[name], path=f"{path}.{name}")


def as_text(value: Any, *, path: str) -> str:
    """The value as a text that is not empty."""
    if not isinstance(value, str):
        raise refusal(path, f"here stands {_kind(value)} where a text belongs")
    if not value:
        raise refusal(path, "the text is empty. Fill it in, or leave the member out")
    return value


def refusal(path: str, sentence: str) -> InvalidPolicy:
    """What is raised for a part of the policy: where it stands, what is wrong, what to do."""
    return InvalidPolicy(f"The policy is wrong at {path}: {sentence}.")


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list"}
    return names.get(type(value), "an object")


def _shown(name: str) -> str:
    return name if name.isidentifier() and len(name) <= 80 else json.dumps(name[:80])
