"""Bearer tokens of the REST API."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from mirrors.errors import InvalidInput
from mirrors.models import AccessToken, User

SCOPES = (
    "repo:read",
    "repo:write",
    "repo:admin",
    "repo:create",
    "user:read",
    "user:admin",
    "org:admin",
    "super:user",
)
"""Quay's scopes."""

LONGEST_NAME = 100
USE_IS_NOTED_EVERY = timedelta(minutes=1)


def issue_token(
    user: User, *, name: str, scopes: list[str], expires_at: datetime | None = None
) -> tuple[AccessToken, str]:
    """A new token and its text, which is not kept and cannot be shown again."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise InvalidInput(f"Scopes are {', '.join(SCOPES)}; {', '.join(unknown) or 'none'} given.", field="scopes")
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise InvalidInput(f"Give a name of 1 to {LONGEST_NAME} characters: what the token is for.", field="name")
    text = AccessToken.new_text()
    token = AccessToken.objects.create(
        user=user, name=name, scopes=" ".join(scopes), token_hash=AccessToken.hash_of(text), expires_at=expires_at
    )
    return token, text


def find_token(text: str) -> AccessToken | None:
    """The valid token of this text, or None."""
    token = AccessToken.objects.select_related("user").filter(token_hash=AccessToken.hash_of(text)).first()
    if token is None or not token.is_valid:
        return None
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > USE_IS_NOTED_EVERY:
        AccessToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token
