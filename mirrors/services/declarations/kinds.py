"""What all kinds of documents share: a row that is found by its name, and keys that are compared with it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from django.db import models

from mirrors.errors import InvalidInput
from mirrors.models.encryption import DecryptionFailed
from mirrors.services.declarations.documents import FROM, Document
from mirrors.services.declarations.keys import MASK, Key
from mirrors.services.declarations.rights import Rights

Row = TypeVar("Row", bound=models.Model)


class Unreadable:
    """A stored secret that no key decrypts: it differs from whatever is declared."""

    def __str__(self) -> str:
        return MASK


UNREADABLE = Unreadable()


class Kind(ABC, Generic[Row]):
    """One kind of document.

    identity: the key of the spec that names the row. columns: for each key the name that services know it by.
    orders: keys that say what to do and are compared with nothing. fixed: keys that count only when a row is made.
    passed_over: keys of the operator's resource that have no meaning here. told_apart_by: the keys that tell apart what
    has the same identity.
    """

    name: ClassVar[str]
    identity: ClassVar[str] = "name"
    columns: ClassVar[Mapping[str, str]]
    keys: ClassVar[Mapping[str, Key]]
    orders: ClassVar[frozenset[str]] = frozenset()
    fixed: ClassVar[frozenset[str]] = frozenset()
    passed_over: ClassVar[frozenset[str]] = frozenset()
    told_apart_by: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def find(self, document: Document, rights: Rights) -> Row | None:
        """The row, None where it has to be made; raises Forbidden, NotFound for what it belongs to, InvalidInput."""

    @abstractmethod
    def stored(self, row: Row) -> dict[str, Any]:
        """What is there, by key, as `keys` read it."""

    @abstractmethod
    def create(self, document: Document, rights: Rights) -> Row:
        """Make the row as declared."""

    @abstractmethod
    def change(self, row: Row, document: Document, changed: Mapping[str, Any], rights: Rights) -> None:
        """Change what differs: `changed`, by key."""

    def desired(self, document: Document, stored: Mapping[str, Any]) -> dict[str, Any]:
        """What is to be compared with what is stored."""
        return {key: value for key, value in document.values.items() if key not in self.orders}

    def follow_orders(self, row: Row, document: Document, rights: Rights) -> None:
        """Do what the document asks for besides, after it has changed something."""

    def key_of(self, column: str) -> str:
        """The key that services know by this name, empty where it is none of the document's."""
        return next((key for key, known in self.columns.items() if known == column), "")

    def values_of(self, by_key: Mapping[str, Any]) -> dict[str, Any]:
        """The same values under the services' names."""
        return {self.columns[key]: value for key, value in by_key.items() if key in self.columns}


def readable(read: Callable[[], Any]) -> Any:
    """The stored secret, or UNREADABLE."""
    try:
        return read()
    except DecryptionFailed:
        return UNREADABLE


def check_absent(document: Document, stored: Mapping[str, Any]) -> list[str]:
    """What is to be said of secrets that are not in the stream: they stay; raises InvalidInput where there is none."""
    for key in sorted(document.absent):
        if stored.get(key) is None:
            raise InvalidInput(
                "names a Secret that is not in the stream, and none is stored. Put it there.", field=f"spec.{key}{FROM}"
            )
    return [f"spec.{key} stays as it is: its Secret is not in the stream." for key in sorted(document.absent)]
