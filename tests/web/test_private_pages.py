"""What only one person may see stays in no cache."""

from __future__ import annotations

import pytest
from django.test import Client

from mirrors.models import Mirror
from tests.web.conftest import HTMX, action, tab

pytestmark = pytest.mark.django_db


def test_no_cache_keeps_a_page_of_who_is_signed_in(client: Client, mirror: Mirror) -> None:
    for path in ("/repository", "/new-repository", tab(mirror.repository), tab(mirror.repository, "information")):
        assert "no-store" in client.get(path).headers["Cache-Control"], path
    for name in ("status", "history"):
        answer = client.get(action(name, mirror.repository), **HTMX)
        assert "private" in answer.headers["Cache-Control"]


def test_no_cache_keeps_an_answer_of_the_api(client: Client, mirror: Mirror) -> None:
    for path in ("/api/v1/organization/acme/robots/mirror", "/api/v1/repository/acme/app/mirror", "/api/v1/nothing"):
        assert "no-store" in client.get(path).headers["Cache-Control"], path
