"""Where blobs are mounted from, what that costs, and what one copy learns from another."""

from __future__ import annotations

from mirrors.oci import Action, CopyOptions, Side, copy_tags
from mirrors.oci.copying.places import BlobPlaces, Siblings
from mirrors.sample.images import build_image, build_layer, small_image
from tests.registry import FaultyRegistry


def posts(registry: FaultyRegistry) -> list[str]:
    """What each POST wanted to mount from."""
    return [request.query.get("from", "") for request in registry.seen("POST")]


async def test_a_second_repository_mounts_what_the_first_has_and_asks_for_nothing(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, open_repository
) -> None:
    places = BlobPlaces()
    base = build_layer({"base": b"shared by all"})
    names = [f"mirror/app{number}" for number in range(3)]
    for number, name in enumerate(names):
        image = build_image([base, build_layer({"own": str(number).encode()})], name=name)
        source_registry.repository("library/app").put(image, tag=f"v{number}")
        target = await open_repository(target_registry.address, name, side=Side.TARGET)
        target_registry.requests.clear()
        options = CopyOptions(mount_from=names, places=places)
        tags = [f"v{number}", *(f"none{each}" for each in range(8))]
        outcome = (await copy_tags(source, target, tags, options=options))[0]
        assert (outcome.action, outcome.blobs_mounted) == (Action.COPIED, 1 if number else 0), outcome.reason
        assert target_registry.count("HEAD", "/blobs/") == 0
    assert all(not held.uploads for held in target_registry.repositories.values())


async def test_a_mount_that_fails_costs_no_request_because_its_upload_is_used(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    source_registry.repository("library/app").put(small_image(), tag="v1")
    target_registry.repository("mirror/empty")
    await copy_tags(source, target, ["v1"], options=CopyOptions(mount_from=["mirror/empty"]))
    assert posts(target_registry) == ["mirror/empty"] * 2
    assert target_registry.count("DELETE") == 0
    assert target_registry.repository("mirror/app").uploads == {}


async def test_a_blob_whose_sibling_has_lost_it_is_sent(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    image, places = small_image(), BlobPlaces()
    source_registry.repository("library/app").put(image, tag="v1")
    for digest in image.blobs:
        places.remember(digest, location=target.location, repository="mirror/gone")
    options = CopyOptions(mount_from=["mirror/gone"], places=places)
    (outcome,) = await copy_tags(source, target, ["v1"], options=options)
    assert (outcome.action, outcome.blobs_copied) == (Action.COPIED, 2)
    assert not any(places.has(digest, location=target.location, repository="mirror/gone") for digest in image.blobs)


async def test_only_what_may_be_mounted_from_is_ever_named(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    image, places = small_image(), BlobPlaces()
    source_registry.repository("library/app").put(image, tag="v1")
    target_registry.repository("stranger/app").put(image)
    for digest in image.blobs:
        places.remember(digest, location=target.location, repository="stranger/app")
    await copy_tags(source, target, ["v1"], options=CopyOptions(places=places))
    assert posts(target_registry) == ["", ""]


def siblings(*names: str, places: BlobPlaces | None = None) -> Siblings:
    return Siblings(names, location="registry", places=places or BlobPlaces())


def test_a_guess_goes_to_each_sibling_in_turn_until_one_is_lucky() -> None:
    some = siblings("a", "b", "c")
    assert [some.choose(f"sha256:{number}") for number in range(4)] == ["a", "b", "c", "a"]
    some.learn("sha256:1", "b", mounted=True)
    assert [some.choose(f"sha256:{number}") for number in range(7, 10)] == ["b", "b", "b"]
    some.learn("sha256:7", "b", mounted=False)
    assert {some.choose(f"sha256:{number}") for number in range(10, 13)} == {"a", "b", "c"}


def test_nobody_guesses_after_many_misses_and_what_is_known_is_still_used() -> None:
    places = BlobPlaces()
    some = siblings("a", "b", places=places)
    for number in range(8):
        some.learn(f"sha256:{number}", "a", mounted=False)
    assert some.choose("sha256:new") is None
    places.remember("sha256:new", location="registry", repository="b")
    assert some.choose("sha256:new") == "b"
    assert some.knows("sha256:new")


def test_what_is_copied_has_everything_unless_it_lets_nobody_mount_it() -> None:
    some = Siblings([], location="registry", places=BlobPlaces(), origin="library/app")
    assert some.choose("sha256:1") == "library/app"
    for number in range(8):
        some.learn(f"sha256:{number}", "library/app", mounted=False)
    assert some.choose("sha256:9") is None


def test_the_oldest_place_is_forgotten_first() -> None:
    places = BlobPlaces(limit=2)
    for digest in ("one", "two", "one", "three"):
        places.remember(digest, location="registry", repository="app")
    seen = [digest for digest in ("one", "two", "three") if places.has(digest, location="registry", repository="app")]
    assert seen == ["one", "three"]
    assert not places.has("one", location="elsewhere", repository="app")
