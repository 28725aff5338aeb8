"""YAML and JSON in, plain values out, and back: bounded, without anchors, and with text as it is written.

Of what YAML 1.1 makes of a plain word only null, true, false and whole numbers are taken: `9.40` and a date stay text,
because tags and times are text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import yaml

from mirrors.errors import InvalidInput

LONGEST = 2 * 1024 * 1024
"""Bytes of one stream."""
MOST = 1000
"""Documents in one stream."""
_DEEPEST = 50
_MOST_NODES = 200_000
"""Keys, values and lists of one YAML stream: what a thousand long documents have, and what is read in seconds."""
_TEXT = "tag:yaml.org,2002:str"
_KEPT = {"tag:yaml.org,2002:null", "tag:yaml.org,2002:bool"}
_INTEGER = "tag:yaml.org,2002:int"
_INTEGERS = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})$")
"""Not YAML 1.1's: its `1:30:00` is a number to the base of 60, and a long one takes minutes to be worked out."""


# libyaml's parser is ten times as fast; where it was not built, PyYAML's own does the same.
_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Parser):  # type: ignore[misc]  # one of two
    """Takes no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping; raises ConstructorError."""
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, "a key is there twice, or is no text", key.start_mark
                )
            seen.add(key.value)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return mapping


_Loader.yaml_implicit_resolvers = {
    first: kept
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    if (kept := [(tag, pattern) for tag, pattern in resolvers if tag in _KEPT])
}
_Loader.add_implicit_resolver(_INTEGER, _INTEGERS, list("-+0123456789"))


class _Dumper(yaml.SafeDumper):
    """Lists stand below their key, indented, as in Kubernetes' documentation."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def read_yaml(content: bytes) -> list[Any]:
    """The documents of a stream, empty ones left out; raises InvalidInput with the line of a mistake."""
    text = _text(content)
    try:
        _check_events(text)
        documents = list(yaml.load_all(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        # Never what stands there: it may be a secret.
        raise InvalidInput(f"This is not the YAML of declarations. {place}{_without_value(error.problem)}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidInput(
            "This is not YAML: it has characters that YAML does not know, or no end of levels."
        ) from error
    return _flat(documents)


def read_json(content: bytes) -> list[Any]:
    """The documents of a JSON body: one, a list of them, or a `List` with `items`; raises InvalidInput."""
    try:
        value = json.loads(_text(content))
    except (ValueError, RecursionError) as error:
        raise InvalidInput("This is not JSON.") from error
    return _flat(value if isinstance(value, list) else [value])


def write_yaml(documents: Iterable[Any]) -> str:
    """The documents as a YAML stream."""
    return yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, explicit_start=True, allow_unicode=True, width=120)


def _check_events(text: str) -> None:
    """Raise before anything is built: anchors can name a gigabyte in a line, and levels without end crash libyaml."""
    depth = 0
    event: Any
    for number, event in enumerate(yaml.parse(text, Loader=_Parser)):
        if number > _MOST_NODES:
            raise yaml.composer.ComposerError(
                None, None, f"there are more than {_MOST_NODES} keys and values: apply them in parts", event.start_mark
            )
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.composer.ComposerError(
                None, None, "anchors and aliases (& and *) are not taken", event.start_mark
            )
        if getattr(event, "tag", None) not in (None, _TEXT):  # PyYAML breaks over a `!!bool maybe`
            raise yaml.constructor.ConstructorError(None, None, "a tag", event.start_mark)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise yaml.composer.ComposerError(None, None, "there are too many levels", event.start_mark)


def _text(content: bytes) -> str:
    if len(content) > LONGEST:
        raise InvalidInput(f"This has {len(content)} bytes. At most {LONGEST} are taken: apply it in parts.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("This is not UTF-8 text.") from error


def _flat(documents: list[Any]) -> list[Any]:
    """Documents instead of lists of documents."""
    flat: list[Any] = []
    for document in documents:
        if isinstance(document, dict) and document.get("kind") == "List" and isinstance(document.get("items"), list):
            flat += document["items"]
        elif document is not None:
            flat.append(document)
    if len(flat) > MOST:
        raise InvalidInput(f"This has {len(flat)} documents. At most {MOST} are taken: apply them in parts.")
    _check_characters(flat)
    return flat


def _check_characters(documents: list[Any]) -> None:
    """Refuse halves of surrogate pairs, which JSON and YAML can spell and nothing can store or answer."""
    try:
        json.dumps(documents, ensure_ascii=False, default=str).encode()
    except (ValueError, RecursionError) as error:
        raise InvalidInput("This holds a character that is no text, such as \\ud800, or a loop.") from error


def _without_value(problem: str | None) -> str:
    # A tag is repeated by PyYAML, and a password that begins with ! looks like one.
    if problem is None or "tag" in problem:
        return "What begins with ! has to be put in quotes."
    return f"{problem.rstrip('.')[:200]}."
