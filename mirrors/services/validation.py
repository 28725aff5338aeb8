"""Rows before they are saved: what their models say of them, and names that are taken, as errors for the caller."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from mirrors.errors import AlreadyExists, InvalidInput


def check_row(row: models.Model, *, exclude: Collection[str] = ()) -> None:
    """Raise InvalidInput, naming the field, for the first thing that the model does not accept."""
    try:
        row.clean_fields(exclude=set(exclude))
        row.clean()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise InvalidInput(" ".join(messages), field=field) from error


@contextmanager
def refusing_duplicates(message: str, *, field: str) -> Iterator[None]:
    """A transaction that ends in AlreadyExists where a unique constraint refuses it."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise AlreadyExists(message, field=field) from error
