"""GET …/tag/ where the remote registry is silent, refuses, or holds what cannot be read."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from mirrors.api.repositories.tags import SEATS
from mirrors.models import Registry
from mirrors.sample.images import small_image
from mirrors.services.tags import listing
from tests.api.conftest import APIClient
from tests.registry import FaultyRegistry

PATH = "/api/v1/repository/acme/app/tag/"


def test_a_registry_that_is_silent_is_named(
    api: APIClient, remote: FaultyRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "DEADLINE_SECONDS", 0.3)
    remote.switches.swallow = True

    answer = api.get(PATH)

    assert (answer.status_code, answer.json()["error_type"]) == (502, "downstream_issue")
    assert f"The target registry {remote.address} did not answer within" in answer.json()["message"]


def test_a_registry_that_refuses_is_named(api: APIClient, remote: FaultyRegistry) -> None:
    remote.fail("GET", "/tags/list", status=403, times=9)

    answer = api.get(PATH)

    assert answer.status_code == 502
    assert remote.address in answer.json()["message"]


def test_a_registry_whose_password_cannot_be_decrypted_is_said_to_be_so(api: APIClient, remote: FaultyRegistry) -> None:
    Registry.objects.update(username_ciphertext=b"broken", password_ciphertext=b"broken")
    for answer in (api.get(PATH), api.send("DELETE", f"{PATH}v1")):
        assert answer.status_code == 502
        assert "cannot be decrypted" in answer.json()["message"]


def test_silent_registries_do_not_take_every_thread(api: APIClient, remote: FaultyRegistry) -> None:
    with ExitStack() as taken:
        for _ in range(SEATS.most):
            taken.enter_context(SEATS.taken())
        answer = api.get(PATH)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert api.get(PATH).status_code == 200


def test_one_tag_that_cannot_be_read_does_not_hide_the_others(api: APIClient, remote: FaultyRegistry) -> None:
    remote.repository("acme/app").put(small_image(1), tag="good")
    remote.repository("acme/app").put(small_image(2), tag="odd")
    remote.fail("GET", "/manifests/odd", status=200, body=b'{"schemaVersion": 1}', times=9)

    found = {tag["name"]: (tag["manifest_digest"], tag["size"] is None) for tag in api.get(PATH).json()["tags"]}

    assert found == {
        "good": (small_image(1).manifest.digest, False),
        "odd": (small_image(2).manifest.digest, True),
    }
