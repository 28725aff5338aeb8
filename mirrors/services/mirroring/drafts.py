"""A mirror as it would be with some values changed, not saved: for looking before one leaps."""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Any

from mirrors.errors import InvalidInput
from mirrors.models import Mirror, Repository
from mirrors.models.encryption import DecryptionFailed
from mirrors.services.accounts.password_receivers import goes_elsewhere
from mirrors.services.mirroring import mirror_fields, mirrors


def draft_of(
    repository: Repository, stored: Mirror | None, values: dict[str, Any], *, required: Collection[str]
) -> Mirror:
    """The stored mirror with these values, as `change_mirror` takes them, put over it. Raises InvalidInput.

    required: fields without which nothing can be looked at where no mirror is stored. The stored credentials are not
    used for another host or another account than they were entered for.
    """
    cleaned = mirror_fields.clean(values)
    mirrors.check_credentials(cleaned)
    missing = [field for field in required if stored is None and field not in cleaned]
    if missing:
        raise InvalidInput(mirror_fields.MISSING[missing[0]], field=missing[0])
    draft = copy.copy(stored) if stored else Mirror(repository=repository)
    for field, value in cleaned.items():
        setattr(draft, field, value)
    if stored and "source_password" not in cleaned and _is_for_somebody_else(stored, draft, cleaned):
        draft.source_password_ciphertext = None
        if "source_username" not in cleaned:
            draft.source_username_ciphertext = None
    return draft


def _is_for_somebody_else(stored: Mirror, draft: Mirror, cleaned: dict[str, Any]) -> bool:
    if goes_elsewhere(stored, draft):
        return True
    try:
        return "source_username" in cleaned and stored.source_username != cleaned["source_username"]
    except DecryptionFailed:
        return True
