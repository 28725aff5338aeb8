"""The source of signatures."""

from __future__ import annotations

import json

import pytest

from mirrors.oci import RemoteRepository
from mirrors.oci.manifest import Descriptor
from tests.registry import FaultyRegistry


class Listing(RemoteRepository):
    """A repository that asks the referrers API, and nothing else."""

    async def list_referrers(self, digest: str) -> list[Descriptor]:
        answer = await self._call("GET", f"/v2/{self._name}/referrers/{digest}", what="x")
        return [Descriptor.from_json(entry) for entry in json.loads(answer.content)["manifests"]]


@pytest.fixture
async def source(source_registry: FaultyRegistry, open_repository) -> RemoteRepository:
    """library/app of the source registry, with its referrers."""
    source_registry.repository("library/app")
    plain = await open_repository(source_registry.address)
    return Listing(plain._client, plain.name)
