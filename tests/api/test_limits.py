"""A number that is too large is refused as such, and not as too small."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mirrors.errors import InvalidInput
from mirrors.services.mirroring import mirror_fields

TOO_MANY_SECONDS = 2**31


@pytest.mark.parametrize(
    ("clean", "sentence"),
    [
        (
            mirror_fields.clean_sync_interval,
            "The sync interval must be a whole number of seconds, at least 1 and at most 2147483647.",
        ),
        (mirror_fields.clean_timeout, "Skopeo timeout interval can be 2147483647 seconds at most."),
    ],
)
def test_a_number_beyond_the_column_is_too_large(clean: Callable[[Any], int], sentence: str) -> None:
    assert clean(TOO_MANY_SECONDS - 1) == TOO_MANY_SECONDS - 1
    with pytest.raises(InvalidInput) as refusal:
        clean(TOO_MANY_SECONDS)
    assert refusal.value.message == sentence
