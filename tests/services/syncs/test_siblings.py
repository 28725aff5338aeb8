"""From which repositories a sync may take layers over instead of moving them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mirrors.models import Mirror, MirroredTag, Namespace, Repository, Robot
from mirrors.services.syncs import connections

pytestmark = pytest.mark.django_db


def test_layers_are_taken_over_only_within_the_namespace_and_from_mirrors_of_the_same_registry(
    mirror: Mirror, make_mirror: Callable[..., Mirror]
) -> None:
    make_mirror("sibling")
    make_mirror("from-elsewhere", source_reference="quay.io/team/from-elsewhere")
    make_mirror("from-a-longer-name", source_reference="registry.example.com.au/team/app")
    rival = Namespace.objects.create(name="rival", kind=Namespace.Kind.ORGANIZATION)
    Mirror.objects.create(
        repository=Repository.objects.create(namespace=rival, name="app", state=Repository.State.MIRROR),
        source_reference=mirror.source_reference,
        tag_patterns=["*"],
        robot=Robot.objects.create(namespace=rival, name="mirror"),
        starts_at=mirror.starts_at,
    )

    assert connections.siblings_of(mirror) == ["acme/sibling"]


def test_those_that_have_something_are_asked_first(mirror: Mirror, make_mirror: Callable[..., Mirror]) -> None:
    filled = make_mirror("filled")
    for number in range(connections.SIBLINGS + 1):
        make_mirror(f"empty-{number}")
    MirroredTag.objects.create(mirror=filled, tag="v1", source_digest="sha256:" + "0" * 64, sync_id=1)
    assert connections.siblings_of(mirror)[0] == "acme/filled"
