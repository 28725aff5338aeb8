"""Names from addresses that people type, which may hold what no database takes."""

from __future__ import annotations

import pytest

from mirrors.errors import NotFound
from mirrors.models import Repository, User
from mirrors.services import access

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["acme/app\0", "ac\0me/app", "acme/\udcff", "acme", "", "/", "acme//app", "acme/App"])
def test_what_is_no_name_is_no_repository(repository: Repository, owner: User, name: str) -> None:
    with pytest.raises(NotFound):
        access.find_repository(name, account=owner)
