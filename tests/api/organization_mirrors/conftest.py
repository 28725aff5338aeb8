"""An organization mirror of `acme`, and what it has discovered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from mirrors.models import DiscoveredRepository, Mirror, Namespace, OrganizationMirror, Repository, Robot, Sync
from mirrors.models.sync import Status, Trigger
from tests.api.conftest import APIClient
from tests.api.organization_mirrors.bodies import BODY, URL
from tests.fixtures.domain import ended_sync


@pytest.fixture
def mirrored(api: APIClient, organization: Namespace, robot: Robot) -> APIClient:
    """`api`, after POSTing BODY to `acme`."""
    response = api.post(URL, BODY)
    assert response.status_code == 201, response.content
    return api


@pytest.fixture
def organization_mirror(mirrored: APIClient) -> OrganizationMirror:
    """The mirror of `acme`."""
    return OrganizationMirror.objects.get(namespace__name="acme")


@pytest.fixture
def discover(organization_mirror: OrganizationMirror, robot: Robot) -> Callable[..., DiscoveredRepository]:
    """`discover("app", status="succeeded")`: a discovered repository whose last sync came to that; None: no sync yet.

    trigger: of a further sync, which is queued. Other values are of the row.
    """

    def make(
        name: str, *, status: Status | None = None, trigger: Trigger | None = None, **values: Any
    ) -> DiscoveredRepository:
        namespace = organization_mirror.namespace
        row = DiscoveredRepository.objects.create(organization_mirror=organization_mirror, name=name, **values)
        if status is None and trigger is None:
            return row
        row.repository = Repository.objects.create(namespace=namespace, name=name, state=Repository.State.ORG_MIRROR)
        row.save()
        mirror = Mirror.objects.create(
            repository=row.repository, source_reference=f"quay.io/team/{name}", tag_patterns=["*"], robot=robot
        )
        now = timezone.now()
        if status == Status.RUNNING:
            Sync.objects.create(mirror=mirror, status=status, started_at=now, lease_expires_at=now, fence=1)
        elif status is not None:
            ended_sync(mirror, status, finished_at=now, message=f"What became of {name}.")
        if trigger is not None:
            Sync.objects.create(mirror=mirror, trigger=trigger)
        return row

    return make
