"""POST …/mirror/preview asks, GET …/mirror/preview/{id} tells; the work itself is tested in tests/services."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirrors.models import Mirror, Preview
from mirrors.sample.images import small_image
from mirrors.services.mirroring import previews
from tests.api.conftest import BODY, MIRROR, APIClient
from tests.registry import FaultyRegistry

PREVIEW = f"{MIRROR}/preview"


@pytest.mark.django_db(transaction=True)
def test_a_preview_is_asked_for_and_then_read(api: APIClient, mirror: Mirror, store_dir: Path, rung: list[int]) -> None:
    with FaultyRegistry() as registry:
        registry.repository("team/app").put(small_image(1), tag="v1")
        Mirror.objects.update(source_reference=f"{registry.address}/team/app", verify_tls=False)

        asked = api.send("POST", PREVIEW, content_type="")
        assert asked.status_code == 202
        assert asked.json()["status"] == "queued"
        assert asked.json()["result"] is None
        previews.run_preview(asked.json()["id"])
        told = api.get(asked["Location"])

    assert told.status_code == 200
    assert told.json()["status"] == "succeeded"
    assert told.json()["result"]["tags"] == [
        {
            "tag": "v1",
            "action": "copied",
            "pattern": "*",
            "reason": "* selects it. The target lacks it.",
            "source_digest": small_image(1).manifest.digest,
            "target_digest": None,
            "bytes": told.json()["result"]["bytes"]["to_copy"],
        }
    ]


def test_a_change_that_is_not_stored_can_be_asked_about(api: APIClient, mirror: Mirror, rung: list[int]) -> None:
    asked = api.post(PREVIEW, {"root_rule": {"rule_kind": "tag_glob_csv", "rule_value": ["v9"]}})
    assert asked.status_code == 202
    assert Preview.objects.get().configuration["tag_patterns"] == ["v9"]
    assert Mirror.objects.get().tag_patterns == ["*"]


def test_a_mirror_that_is_not_stored_is_given_as_for_creation(
    api: APIClient, repository: object, robot: object, rung: list[int]
) -> None:
    assert api.send("POST", PREVIEW, content_type="").status_code == 404
    asked = api.post(PREVIEW, BODY)
    assert asked.status_code == 202
    assert b"source-password" not in asked.content
    assert not Mirror.objects.exists()


def test_a_source_that_may_not_be_reached_is_refused_at_once(api: APIClient, mirror: Mirror, rung: list[int]) -> None:
    refused = api.post(PREVIEW, {"external_reference": "169.254.169.254/team/app"})
    assert refused.status_code == 400
    assert refused.json()["detail"] == "The provided registry location is not allowed"


def test_only_administrators_may_ask_and_read(
    api: APIClient, stranger_api: APIClient, anonymous_api: APIClient, mirror: Mirror, rung: list[int]
) -> None:
    preview = api.send("POST", PREVIEW, content_type="").json()["id"]
    assert stranger_api.send("POST", PREVIEW, content_type="").status_code == 403
    assert stranger_api.get(f"{PREVIEW}/{preview}").status_code == 403
    assert anonymous_api.get(f"{PREVIEW}/{preview}").status_code == 401
    assert api.get(f"{PREVIEW}/{preview + 1}").status_code == 404
