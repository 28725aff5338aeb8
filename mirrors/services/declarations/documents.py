"""One document, checked for its shape; and where its secrets come from."""

from __future__ import annotations

import base64
import binascii
import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mirrors.errors import InvalidInput
from mirrors.services.declarations.keys import Key, text

API_VERSION = "quay.herve4m.github.io/v1alpha1"
FROM = "From"
"""After the name of a key that may be secret: where its value comes from."""
OF_THE_OPERATOR = frozenset({"connSecretRef", "preserveInQuayOnDeletion", "retSecretRef"})
"""Keys of every kind that say how the operator reaches Quay: nothing has to be done for them here."""

Environment = Callable[[str], str | None]
"""A variable's value; of doors for people who may not read the process's environment there is none."""


class DocumentError(InvalidInput):
    """A document that cannot be applied. `document` names it, `field` the place in it."""

    def __init__(self, message: str, *, document: str, field: str = "") -> None:
        super().__init__(f"{document}: {f'{field} ' if field else ''}{message}", field=field)
        self.document = document
        self.reason = message


@dataclass(frozen=True)
class Document:
    """What is declared.

    identity: the value of the key that names it; name: the same, with what else tells it from others of its kind.
    values: by spec key, read. absent: secret keys whose Secret is not in the stream.
    """

    kind: str
    identity: str
    name: str
    values: dict[str, Any]
    absent: frozenset[str] = frozenset()
    notes: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """`RepositoryMirror acme/app`."""
        return f"{self.kind} {self.name}"


class Secrets:
    """The Secret documents of a stream, and the environment; what they hold is in no repr and no error."""

    def __init__(self, raw: Iterable[Any], *, environment: Environment | None = None) -> None:
        self._held: dict[str, dict[str, str]] = {}
        self._environment = environment
        for position, document in enumerate(raw, start=1):
            if is_secret(document):
                self._take(document, place=f"Secret (document {position})")

    def value_of(self, reference: Any) -> str | None:
        """The value, None where the stream does not have that Secret; raises InvalidInput for a bad reference."""
        if isinstance(reference, dict) and set(reference) == {"env"} and isinstance(reference["env"], str):
            return self._of_environment(reference["env"])
        wanted = reference.get("secretKeyRef") if isinstance(reference, dict) and len(reference) == 1 else None
        if not isinstance(wanted, dict) or not all(isinstance(wanted.get(part), str) for part in ("name", "key")):
            raise InvalidInput("must be {secretKeyRef: {name: …, key: …}} or {env: VARIABLE}.")
        secret = self._held.get(wanted["name"])
        if secret is None:
            return None
        if wanted["key"] not in secret:
            raise InvalidInput(f"names a key that the Secret {wanted['name'][:100]} does not have.")
        return secret[wanted["key"]]

    def _of_environment(self, variable: str) -> str:
        if self._environment is None:
            raise InvalidInput("cannot be read from the environment over the API: put a Secret into the stream.")
        value = self._environment(variable)
        if value is None:
            raise InvalidInput(f"needs the environment variable {variable[:100]}, which is not set.")
        return value

    def _take(self, document: dict[str, Any], *, place: str) -> None:
        name = (document.get("metadata") or {}).get("name") if isinstance(document.get("metadata"), dict) else None
        if not isinstance(name, str):
            raise DocumentError("is required.", document=place, field="metadata.name")
        held: dict[str, str] = {}
        for part, read in (("data", _decoded), ("stringData", str)):
            given = document.get(part) or {}
            if not isinstance(given, dict) or not all(isinstance(value, str | int) for value in given.values()):
                raise DocumentError("must be an object of texts.", document=f"Secret {name}", field=part)
            try:
                held |= {str(key): read(value) for key, value in given.items()}
            except (binascii.Error, ValueError):  # the cause would show what stands there
                raise DocumentError("must be base64 of UTF-8 text.", document=f"Secret {name}", field=part) from None
        self._held[name] = held


def is_secret(document: Any) -> bool:
    """Whether it is one of Kubernetes' Secrets."""
    return isinstance(document, dict) and document.get("kind") == "Secret" and document.get("apiVersion") == "v1"


@dataclass(frozen=True)
class Shape:
    """What a kind's spec may have; see `Kind`."""

    identity: str
    keys: Mapping[str, Key]
    passed_over: frozenset[str]
    told_apart_by: tuple[str, ...]


def read_document(raw: Any, *, position: int, shapes: Mapping[str, Shape], secrets: Secrets) -> Document:
    """Check kind, name and keys; raises DocumentError."""
    place = f"Document {position}"
    if not isinstance(raw, dict):
        raise DocumentError("must be an object with apiVersion, kind, metadata and spec.", document=place)
    kind = raw.get("kind")
    if not isinstance(kind, str) or kind not in shapes:
        raise DocumentError(f"must be one of {', '.join(shapes)}.", document=place, field="kind")
    if raw.get("apiVersion") != API_VERSION:
        raise DocumentError(f"must be {API_VERSION}.", document=f"{place}, {kind}", field="apiVersion")
    shape, spec = shapes[kind], raw.get("spec")
    if not isinstance(spec, dict) or not isinstance(spec.get(shape.identity), str):
        raise DocumentError("is required.", document=f"{place}, {kind}", field=f"spec.{shape.identity}")
    identity = spec[shape.identity]
    try:
        text.read(identity)
    except InvalidInput as error:
        raise DocumentError(error.message, document=f"{place}, {kind}", field=f"spec.{shape.identity}") from error
    reader = _SpecReader(f"{kind} {identity[:300]}", shape.keys, secrets)
    for key, value in spec.items():
        if key != shape.identity and key not in OF_THE_OPERATOR and key not in shape.passed_over:
            reader.take(str(key), value)
    notes = [f"spec.{key} has no meaning here." for key in sorted(set(map(str, spec)) & shape.passed_over)]
    name = " ".join([identity, *(str(reader.values[key]) for key in shape.told_apart_by if key in reader.values)])
    return Document(kind, identity, name, reader.values, frozenset(reader.absent), notes)


class _SpecReader:
    """Reads one spec."""

    def __init__(self, title: str, keys: Mapping[str, Key], secrets: Secrets) -> None:
        self._title = title
        self._keys = keys
        self._secrets = secrets
        self.values: dict[str, Any] = {}
        self.absent: set[str] = set()

    def take(self, key: str, value: Any) -> None:
        """Read a key; raises DocumentError."""
        plain = key.removesuffix(FROM)
        by_reference = key != plain and plain in self._keys and self._keys[plain].is_secret
        if not by_reference and key not in self._keys:
            raise DocumentError(self._unknown(key), document=self._title, field=f"spec.{key[:100]}")
        name = plain if by_reference else key
        if name in self.values or name in self.absent:
            raise DocumentError(
                f"is there twice, as {name} and as {name}{FROM}.", document=self._title, field=f"spec.{key}"
            )
        try:
            if by_reference:
                value = self._secrets.value_of(value)
                if value is None:
                    self.absent.add(name)
                    return
            self.values[name] = self._keys[name].read(value)
        except InvalidInput as error:
            raise DocumentError(error.message, document=self._title, field=f"spec.{key}") from error

    def _unknown(self, key: str) -> str:
        alike = difflib.get_close_matches(key, self._keys, n=1)
        return f"is unknown. Did you mean {alike[0]}?" if alike else f"is unknown. Known: {', '.join(self._keys)}."


def _decoded(value: Any) -> str:
    return base64.b64decode(str(value), validate=True).decode()
