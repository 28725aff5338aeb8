"""With a signature policy a tag moves only when its image meets it; signatures travel with their images."""

from __future__ import annotations

import pytest

from mirrors.oci import Action, Code, CopyOptions, RemoteRepository, Side, SignaturePolicy, copy_tags
from mirrors.oci.companions import fallback_tag
from mirrors.sample.images import small_image
from tests.oci.signatures.signing import payload, put_tag, signed_layer, signer
from tests.registry import FaultyRegistry, StoredTags

SIGNED, UNSIGNED = small_image(1), small_image(2)


@pytest.fixture
def app(source_registry: FaultyRegistry) -> StoredTags:
    """Two images at the source, one of them signed."""
    held = source_registry.repository("library/app")
    held.put(SIGNED, tag="signed")
    held.put(UNSIGNED, tag="unsigned")
    name = f"{source_registry.address}/library/app"
    put_tag(held, SIGNED.manifest.digest, [signed_layer(payload(SIGNED.manifest.digest, name=name), signer())])
    return held


@pytest.fixture
def options(app: StoredTags) -> CopyOptions:
    """A policy that wants every image signed."""
    identity = {"signedIdentity": {"type": "matchRepository"}}
    policy = SignaturePolicy.from_json([{"type": "sigstoreSigned", "keyData": signer().key_data} | identity])
    return CopyOptions(signatures=policy, source_tags=list(app.tags))


async def test_only_signed_images_arrive_and_with_them_their_signatures(
    target_registry: FaultyRegistry, app: StoredTags, options: CopyOptions, source: RemoteRepository, target
) -> None:
    outcomes = {each.tag: each for each in await copy_tags(source, target, list(app.tags), options=options)}
    signature = fallback_tag(SIGNED.manifest.digest) + ".sig"
    assert {tag: outcome.action for tag, outcome in outcomes.items()} == {
        "signed": Action.COPIED,
        "unsigned": Action.FAILED,
        signature: Action.SKIPPED,
    }
    error = outcomes["unsigned"].error
    assert error is not None
    assert (error.code, error.side, error.retryable) == (Code.SIGNATURE, Side.SOURCE, False)
    assert "with the image that it belongs to" in outcomes[signature].reason
    held = target_registry.repository("mirror/app")
    assert held.tags == {tag: digest for tag, digest in app.tags.items() if tag != "unsigned"}
    assert UNSIGNED.manifest.digest not in held.manifests
    assert not UNSIGNED.blobs.keys() & held.blobs.keys()


async def test_what_has_arrived_already_is_not_looked_at_again(
    source_registry: FaultyRegistry, app: StoredTags, options: CopyOptions, source, target
) -> None:
    await copy_tags(source, target, ["unsigned"])
    source_registry.requests.clear()
    (outcome,) = await copy_tags(source, target, ["unsigned"], options=options)
    assert outcome.action is Action.UNCHANGED
    assert source_registry.count() == 1


async def test_a_tag_stays_where_it_was_when_it_moves_to_what_nobody_signed(
    target_registry: FaultyRegistry, app: StoredTags, options: CopyOptions, source, target
) -> None:
    await copy_tags(source, target, ["signed"], options=options)
    app.tags["signed"] = UNSIGNED.manifest.digest
    (outcome,) = await copy_tags(source, target, ["signed"], options=options)
    assert (outcome.action, outcome.target_digest) == (Action.FAILED, SIGNED.manifest.digest)
    assert target_registry.repository("mirror/app").tags["signed"] == SIGNED.manifest.digest
