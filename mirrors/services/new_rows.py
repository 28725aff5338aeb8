"""Rows on their way into the database: what the model refuses, and names that are taken, as errors of ours."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from mirrors.errors import AlreadyExists, InvalidInput

LONGEST_DESCRIPTION = 25_000
"""Characters of a description: lists show a hundred of them at once."""


def validate(instance: models.Model, *, exclude: Collection[str] = ()) -> None:
    """Raise InvalidInput, naming the field, where the model's own checks refuse a value."""
    try:
        instance.clean_fields(exclude=set(exclude))
        instance.clean()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise InvalidInput(" ".join(messages), field=field) from error
    check_description(getattr(instance, "description", ""))


def check_description(text: str) -> None:
    """Raise InvalidInput for one that is too long."""
    if len(text) > LONGEST_DESCRIPTION:
        raise InvalidInput(f"The description may have {LONGEST_DESCRIPTION} characters at most.", field="description")


@contextmanager
def refusing_duplicates(message: str, *, field: str) -> Iterator[None]:
    """A transaction that ends in AlreadyExists where a unique constraint refuses it."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise AlreadyExists(message, field=field) from error
