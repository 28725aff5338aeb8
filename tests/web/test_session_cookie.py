"""Whatever a session's cookie holds, it opens nothing and breaks nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from mirrorfarm.sessions import SessionStore
from mirrors.models import User
from tests.web.conftest import signed_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("value", ['"aaaaaaaaaaaaaaaaaa\\000b"', "%00", "'; --", "", "a" * 40_000])
def test_a_cookie_that_holds_no_key_is_no_session(client: Client, value: str) -> None:
    visitor: Any = Client(headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={value}"})

    assert visitor.get("/repository").status_code == 302
    assert visitor.get("/api/v1/user/").status_code == 401


def test_a_key_with_a_nul_is_not_looked_up() -> None:
    assert SessionStore("aaaaaaaaaaaaaaaaaa\0b").session_key is None


def test_a_real_key_is_a_session(owner: User) -> None:
    assert signed_in(owner).get("/repository").status_code == 200
