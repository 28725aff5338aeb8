"""Tokens that have ended."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from mirrors.models import AccessToken, User
from mirrors.services.accounts import access_tokens

pytestmark = pytest.mark.django_db


def test_tokens_that_have_ended_are_forgotten_and_no_others(owner: User) -> None:
    for name, ends in (
        ("over", timezone.now() - timedelta(seconds=1)),
        ("valid", timezone.now() + timedelta(hours=1)),
        ("endless", None),
    ):
        access_tokens.issue_token(owner, name=name, scopes=["repo:read"], expires_at=ends)
    assert access_tokens.forget_expired() == 1
    assert set(AccessToken.objects.values_list("name", flat=True)) == {"valid", "endless"}
