"""Addresses that nobody's browser makes, but anybody may type."""

from __future__ import annotations

from django.test import Client

from mirrors.models import User


def test_a_search_for_what_no_name_has_finds_nothing(client: Client, owner: User) -> None:
    client.force_login(owner)

    assert client.get("/repository?q=a%00b").status_code == 200
