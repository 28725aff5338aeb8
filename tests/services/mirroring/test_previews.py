"""What a preview finds at both registries; and that it writes nothing, and keeps no secret."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from mirrors.errors import InvalidInput, NotFound
from mirrors.models import Mirror, MirroredTag, Preview, Repository, Sync, TagCopy, User
from mirrors.oci import PROCESS_PAUSES
from mirrors.sample.images import small_image, small_index
from mirrors.services.mirroring import preview_plans, previews
from mirrors.services.syncs import connections, sync_runs
from tests.registry import FaultyRegistry

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def source() -> Iterator[FaultyRegistry]:
    """A registry with v1, v2, an index v3, and edge."""
    with FaultyRegistry() as registry:
        held = registry.repository("team/app")
        for number in (1, 2):
            held.put(small_image(number), tag=f"v{number}")
        held.put(small_index(3, architectures=("amd64", "arm64")), tag="v3")
        held.put(small_image(9), tag="edge")
        yield registry
        PROCESS_PAUSES.lift(registry.address)


@pytest.fixture
def mirror(source: FaultyRegistry, mirror: Mirror, store_dir: Path, rung: list[int]) -> Mirror:
    """A mirror of its v* into the built-in store."""
    mirror.source_reference = f"{source.address}/team/app"
    mirror.verify_tls, mirror.tag_patterns = False, ["v*"]
    mirror.save()
    return mirror


def sync(mirror: Mirror) -> None:
    """Copy what matches."""
    one = Sync.objects.create(mirror=mirror)
    sync_runs.run_sync(one.pk)
    assert Sync.objects.get(pk=one.pk).status == "succeeded"


def looked(repository: Repository, values: dict[str, Any] | None = None) -> Preview:
    """A preview that has ended."""
    preview = previews.request_preview(repository, values=values)
    previews.run_preview(preview.pk)
    preview.refresh_from_db()
    return preview


def actions(preview: Preview) -> dict[str, str]:
    """What would become of each tag."""
    assert preview.status == "succeeded", preview.message
    return {row["tag"]: row["action"] for row in preview.result["tags"]}


def test_before_the_first_sync_everything_that_matches_would_be_copied(mirror: Mirror, source: FaultyRegistry) -> None:
    preview = looked(mirror.repository)

    assert actions(preview) == {"v1": "copied", "v2": "copied", "v3": "copied", "edge": "left_out"}
    result = preview.result
    assert (result["source_tags"], result["matching_tags"], result["is_complete"]) == (4, 3, True)
    assert result["patterns"] == [{"pattern": "v*", "tags": 3}]
    assert not connections.store().has_repository("acme/app")
    assert not Sync.objects.exists()
    assert source.count("GET", "/blobs/") == 0


def test_the_bytes_are_those_that_a_sync_then_copies(mirror: Mirror) -> None:
    foreseen = looked(mirror.repository).result["bytes"]
    sync(mirror)
    copied = sum(TagCopy.objects.values_list("bytes_copied", flat=True))

    assert foreseen == {"to_copy": copied, "tags_measured": 3, "tags_changed": 3}


def test_an_unchanged_tag_costs_one_head_and_nothing_is_left_to_copy(mirror: Mirror, source: FaultyRegistry) -> None:
    sync(mirror)
    source.requests.clear()

    preview = looked(mirror.repository)

    assert set(actions(preview).values()) == {"unchanged", "left_out"}
    assert preview.result["bytes"]["to_copy"] == 0
    assert (source.count("HEAD", "/manifests/"), source.count("GET", "/manifests/")) == (3, 0)
    assert preview.result["requests"]["source"] == 4


def test_moved_deleted_and_new_tags_are_told_apart(mirror: Mirror, source: FaultyRegistry) -> None:
    sync(mirror)
    held = source.repository("team/app")
    held.put(small_image(7), tag="v1")
    held.put(small_image(8), tag="v8")
    del held.tags["v2"]

    preview = looked(mirror.repository)

    assert actions(preview) == {
        "v1": "moved",
        "v8": "copied",
        "v2": "deleted",
        "v3": "unchanged",
        "edge": "left_out",
    }
    moved = next(row for row in preview.result["tags"] if row["tag"] == "v1")
    assert moved["target_digest"] == small_image(1).manifest.digest
    assert moved["source_digest"] == held.tags["v1"]
    assert connections.store().tags("acme/app") == ["v1", "v2", "v3"]


def test_other_patterns_show_what_they_would_delete_and_change_nothing(mirror: Mirror) -> None:
    sync(mirror)

    preview = looked(mirror.repository, {"tag_patterns": ["v1", "V2", "edge"]})

    assert actions(preview) == {"v1": "unchanged", "edge": "copied", "v2": "deleted", "v3": "deleted"}
    reasons = {row["tag"]: row["reason"] for row in preview.result["tags"]}
    assert reasons["v1"].startswith("v1 selects it.")
    assert "letters' case counts" in reasons["v2"]
    assert Mirror.objects.get().tag_patterns == ["v*"]


def test_images_of_other_platforms_alone_would_be_skipped(mirror: Mirror) -> None:
    preview = looked(mirror.repository, {"platforms": ["linux/arm64"]})

    assert actions(preview)["v1"] == "skipped"
    rows = {row["tag"]: row["reason"] for row in preview.result["tags"]}
    assert "linux/amd64" in rows["v1"]
    assert "1 of its 2 images" in rows["v3"]


def test_more_platforms_than_before_show_what_is_missing_under_the_same_digest(mirror: Mirror) -> None:
    Mirror.objects.update(platforms=["amd64"])
    mirror.refresh_from_db()
    sync(mirror)

    preview = looked(mirror.repository, {"platforms": []})

    row = next(row for row in preview.result["tags"] if row["tag"] == "v3")
    assert row["action"] == "copied"
    assert row["bytes"] > 0
    assert actions(preview)["v1"] == "unchanged"


def test_nothing_that_matches_deletes_nothing(mirror: Mirror) -> None:
    sync(mirror)
    preview = looked(mirror.repository, {"tag_patterns": ["nothing"]})
    assert "deleted" not in actions(preview).values()
    assert "nothing deleted" in preview.result["notes"][0]


def test_restored_tags_are_not_in_the_deletion_plan(mirror: Mirror) -> None:
    sync(mirror)
    Mirror.objects.update(kept_tags=["v2"])
    found = actions(looked(mirror.repository, {"tag_patterns": ["v1"]}))
    assert [tag for tag, action in found.items() if action == "deleted"] == ["v3"]


def test_a_mirror_that_is_not_stored_can_be_looked_at(
    repository: Repository, source: FaultyRegistry, store_dir: Path, rung: list[int]
) -> None:
    values = {"source_reference": f"{source.address}/team/app", "tag_patterns": ["edge"], "verify_tls": False}
    assert actions(looked(repository, values))["edge"] == "copied"
    assert not Mirror.objects.exists()
    with pytest.raises(InvalidInput):
        previews.request_preview(repository, values={"tag_patterns": ["edge"]})
    with pytest.raises(NotFound):
        previews.request_preview(repository)


def test_a_source_that_does_not_answer_fails_the_preview_with_its_side(mirror: Mirror, source: FaultyRegistry) -> None:
    source.fail("GET", "/tags/list", status=404, times=9)
    preview = looked(mirror.repository)
    assert (preview.status, preview.error_code, preview.error_side) == ("failed", "not_found", "source")


def test_a_deadline_leaves_what_was_found_by_then(
    mirror: Mirror, source: FaultyRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview_plans, "DEADLINE", 0.6)
    source.switches.delay = 0.4
    preview = looked(mirror.repository)
    assert "not_compared" in actions(preview).values()
    assert preview.result["is_complete"] is False
    monkeypatch.setattr(preview_plans, "DEADLINE", 0.2)
    preview = looked(mirror.repository)
    assert (preview.status, preview.error_code) == ("failed", "timeout")


def test_only_so_many_tags_are_looked_into_and_it_says_how_many(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview_plans, "TAGS_MEASURED", 1)
    result = looked(mirror.repository).result
    assert (result["bytes"]["tags_measured"], result["bytes"]["tags_changed"]) == (1, 3)
    assert result["is_complete"] is False
    assert "1 of the 3 tags" in result["notes"][0]


def test_no_secret_stays_when_it_has_ended_and_none_is_in_its_configuration(mirror: Mirror) -> None:
    values = {"source_username": "reader", "source_password": "secret-of-reader"}
    preview = previews.request_preview(mirror.repository, values=values)
    assert preview.source_password == "secret-of-reader"
    assert "reader" not in str(preview.configuration)
    previews.run_preview(preview.pk)
    preview.refresh_from_db()
    assert preview.source_username_ciphertext is preview.source_password_ciphertext is None


@pytest.mark.parametrize(
    ("values", "stays"),
    [
        ({"tag_patterns": ["*"]}, True),
        ({"source_username": "reader"}, True),
        ({"source_username": "other"}, False),
        ({"source_reference": "elsewhere.example.com/team/app"}, False),
    ],
)
def test_the_stored_password_goes_only_to_the_host_and_for_the_name_it_was_entered_for(
    mirror: Mirror, values: dict[str, Any], stays: bool
) -> None:
    mirror.source_username, mirror.source_password = "reader", "secret-of-reader"
    mirror.save()
    preview = previews.request_preview(mirror.repository, values=values)
    assert (preview.source_password is not None) is stays


def test_only_a_few_may_be_under_way(mirror: Mirror) -> None:
    for _ in range(previews.AT_ONCE):
        previews.request_preview(mirror.repository)
    with pytest.raises(InvalidInput, match="wait for one"):
        previews.request_preview(mirror.repository)


def test_one_person_may_have_only_a_few_under_way_whatever_the_repository(
    make_mirror: Callable[..., Mirror], owner: User, superuser: User, rung: list[int]
) -> None:
    """Workers take them before syncs, and a source that never answers keeps one of them busy for a minute."""
    for number in range(previews.AT_ONCE_OF_ONE):
        previews.request_preview(make_mirror(f"app{number}").repository, by=owner)
    other = make_mirror("other").repository
    with pytest.raises(InvalidInput, match="your previews are under way"):
        previews.request_preview(other, by=owner)
    assert previews.request_preview(other, by=superuser).status == "queued"


def test_a_second_message_does_nothing(mirror: Mirror, source: FaultyRegistry) -> None:
    preview = looked(mirror.repository)
    source.requests.clear()
    previews.run_preview(preview.pk)
    assert source.requests == []


def test_previews_are_forgotten_and_a_dead_workers_has_failed(mirror: Mirror) -> None:
    preview = previews.request_preview(mirror.repository)
    Preview.objects.update(status="running", started_at=timezone.now() - timedelta(hours=1))
    assert previews.find_preview(mirror.repository, preview.pk).error_code == "lost"
    Preview.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(NotFound):
        previews.find_preview(mirror.repository, preview.pk)
    assert previews.forget_old_previews() == 1


def test_recorded_state_is_used_but_not_changed(mirror: Mirror) -> None:
    sync(mirror)
    before = list(MirroredTag.objects.values())
    looked(mirror.repository)
    assert list(MirroredTag.objects.values()) == before


def test_a_broker_that_is_away_fails_it_at_once(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mirrors.queue.ring_preview", lambda preview: False)
    preview = previews.request_preview(mirror.repository)
    preview.refresh_from_db()
    assert preview.status == "failed"
    assert "broker" in preview.message


@pytest.mark.parametrize(("waiting", "rung_again"), [(0, 2), (1, 1), (2, 0), (None, 0)])
def test_workers_are_told_again_of_previews_whose_message_was_lost(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch, waiting: int | None, rung_again: int
) -> None:
    heard: list[int] = []
    monkeypatch.setattr("mirrors.queue.ring_preview", lambda preview: not heard.append(preview.pk))
    monkeypatch.setattr("mirrors.queue.waiting_previews", lambda: waiting)
    lost = [previews.request_preview(mirror.repository).pk for _ in range(2)]
    heard.clear()
    assert previews.ring_again() == 0, "their messages may still be on the way"

    Preview.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    previews.request_preview(mirror.repository)
    heard.clear()

    assert previews.ring_again() == rung_again
    assert heard == lost[:rung_again]
