"""Values of a mirror's fields that no database can hold, and types that no door sends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from mirrors.errors import InvalidInput
from mirrors.models import Mirror
from mirrors.services.mirroring import mirrors

pytestmark = pytest.mark.django_db

EARLY = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
LATE = datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tag_patterns", ["v1\0"]),
        ("tag_patterns", ["\udcff"]),
        ("tag_patterns", "latest"),
        ("tag_patterns", 5),
        ("platforms", 5),
        ("platforms", "amd64"),
        ("source_username", "\udcff"),
        ("https_proxy", "\udcff"),
        ("no_proxy", "\udcff"),
        ("starts_at", EARLY),
        ("starts_at", LATE),
    ],
)
def test_it_is_refused_by_its_field(mirror: Mirror, field: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as refusal:
        mirrors.change_mirror(mirror, {field: value})

    assert refusal.value.field == field


def test_a_start_is_kept_in_utc(mirror: Mirror) -> None:
    mirrors.change_mirror(mirror, {"starts_at": datetime(2030, 1, 1, 5, tzinfo=timezone(timedelta(hours=5)))})

    assert Mirror.objects.get().starts_at == Mirror.objects.get().next_sync_at == datetime(2030, 1, 1, tzinfo=UTC)
