"""/v2/<name>/referrers/<digest>: for whoever may pull the repository."""

from __future__ import annotations

import asyncio

import requests

from mirrors.oci import StoredRepository
from mirrors.oci.images.manifest import OCI_INDEX
from mirrors.sample.images import store_image
from tests.oci.artifacts import referrer
from tests.registry_api.conftest import INDEX, PRIVATE_IMAGE, Door


def test_the_referrers_of_a_public_image_are_listed(door: Door) -> None:
    signature = referrer(INDEX)
    asyncio.run(store_image(signature, StoredRepository(door.store, "acme/public")))
    url = f"{door.url}/v2/acme/public/referrers/{INDEX.manifest.digest}"
    answer = requests.get(url, timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, OCI_INDEX)
    assert [entry["digest"] for entry in answer.json()["manifests"]] == [signature.manifest.digest]
    filtered = requests.get(url, params={"artifactType": "application/x.other"}, timeout=10)
    assert filtered.headers["OCI-Filters-Applied"] == "artifactType"
    assert filtered.json()["manifests"] == []
    assert requests.head(url, timeout=10).content == b""


def test_the_referrers_of_a_private_image_are_for_those_who_may_pull_it(door: Door) -> None:
    url = f"{door.url}/v2/acme/private/referrers/{PRIVATE_IMAGE.manifest.digest}"
    refused = requests.get(url, timeout=10)
    assert refused.status_code == 401
    assert 'scope="repository:acme/private:pull"' in refused.headers["WWW-Authenticate"]
    token = requests.get(
        f"{door.url}/v2/auth",
        params={"scope": "repository:acme/private:pull"},
        auth=(door.robot.full_name, door.robot.token),
        timeout=10,
    ).json()["token"]
    answer = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    assert (answer.status_code, answer.json()["manifests"]) == (200, [])
