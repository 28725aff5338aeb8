"""Rule 2: a mount needs the rights to both repositories in one token, and is done without where they are denied."""

from __future__ import annotations

from mirrors.oci import Action, CopyOptions, Credentials, Side, copy_tags
from mirrors.sample.images import small_image
from tests.registry import FaultyRegistry, Login, StoredTags

RIGHT = Credentials("user", "password")
BOTH = "repository:mirror/app:pull,push repository:mirror/base:pull"


async def test_a_mount_asks_for_both_repositories_in_one_token(
    target_registry: FaultyRegistry, app: StoredTags, source, open_repository
) -> None:
    app.put(small_image(), tag="v1")
    target_registry.repository("mirror/base").put(small_image())
    target_registry.switches.login = Login()
    target = await open_repository(target_registry.address, "mirror/app", side=Side.TARGET, credentials=RIGHT)
    (outcome,) = await copy_tags(source, target, ["v1"], options=CopyOptions(mount_from=["mirror/base"]))
    assert (outcome.action, outcome.blobs_mounted, outcome.blobs_copied) == (Action.COPIED, 2, 0)
    assert BOTH in [request.query["scope"] for request in target_registry.seen(path="/token")]
    assert target_registry.count("PUT", "/blobs/") == 0


async def test_a_mount_that_is_denied_becomes_an_upload(
    target_registry: FaultyRegistry, app: StoredTags, source, open_repository
) -> None:
    app.put(small_image(), tag="v1")
    target_registry.repository("mirror/base").put(small_image())
    target_registry.switches.login = Login(denied="mirror/base")
    target = await open_repository(target_registry.address, "mirror/app", side=Side.TARGET, credentials=RIGHT)
    (outcome,) = await copy_tags(source, target, ["v1"], options=CopyOptions(mount_from=["mirror/base"]))
    assert (outcome.action, outcome.blobs_mounted, outcome.blobs_copied) == (Action.COPIED, 0, 2)
    assert target_registry.repository("mirror/app").uploads == {}


async def test_the_source_is_asked_for_no_more_than_to_pull(
    source_registry: FaultyRegistry, app: StoredTags, target, open_repository
) -> None:
    app.put(small_image(), tag="v1")
    source_registry.switches.login = Login()
    source = await open_repository(source_registry.address, credentials=RIGHT)
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.action is Action.COPIED
    assert {request.query["scope"] for request in source_registry.seen(path="/token")} == {
        "repository:library/app:pull"
    }
