"""Previews that many ask for at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from mirrors.errors import InvalidInput
from mirrors.models import Mirror, Preview, User
from mirrors.services.mirroring import previews

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("number", range(3))
def test_of_many_who_ask_at_once_no_more_get_a_preview_than_may(
    mirror: Mirror, owner: User, rung: list[int], number: int
) -> None:
    def ask(_: int) -> bool:
        try:
            previews.request_preview(mirror.repository, by=owner)
        except InvalidInput:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as people:
        answers = list(people.map(ask, range(8)))

    assert answers.count(True) == previews.AT_ONCE == Preview.objects.count()
