"""With a signature policy a tag moves only when its image meets it; signatures travel with their images."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mirrors.oci import Action, Code, CopyOptions, RemoteRepository, Side, SignaturePolicy, copy_tags
from mirrors.oci.images.companions import fallback_tag
from mirrors.oci.images.manifest import Manifest
from mirrors.sample.images import Image, small_image, small_index
from tests.oci.signatures.signing import payload, put_referrer, put_tag, signed_layer, signer
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


async def test_an_image_that_calls_itself_a_companion_or_a_referrer_has_to_be_signed_itself(
    target_registry: FaultyRegistry, app: StoredTags, options: CopyOptions, source, target
) -> None:
    planted = fallback_tag(SIGNED.manifest.digest) + ".sbom"
    subject = {"mediaType": SIGNED.manifest.media_type, "digest": SIGNED.manifest.digest, "size": 1}
    content = json.dumps(UNSIGNED.manifest.document | {"subject": subject}).encode()
    referrer = Image(Manifest(content, UNSIGNED.manifest.media_type), UNSIGNED.blobs)
    index = small_index(2)
    app.put(UNSIGNED, tag=planted)
    app.put(index, tag=planted + ".index")
    app.put(referrer)
    options = replace(options, source_tags=list(app.tags))
    (outcome,) = await copy_tags(source, target, ["signed"], options=options)
    assert (outcome.action, outcome.referrers_copied) == (Action.COPIED, 1)
    failed = {failure.name: failure.reason for failure in outcome.referrers_failed}
    assert failed.keys() == {planted, planted + ".index", referrer.manifest.digest}
    assert all("has no signature" in reason for reason in failed.values())
    held = target_registry.repository("mirror/app")
    assert held.tags.keys() == {"signed", fallback_tag(SIGNED.manifest.digest) + ".sig"}
    assert not {UNSIGNED.manifest.digest, index.manifest.digest, referrer.manifest.digest} & held.manifests.keys()


async def test_a_signed_image_may_be_the_companion_of_another(
    target_registry: FaultyRegistry, source_registry: FaultyRegistry, app: StoredTags, options, source, target
) -> None:
    name = f"{source_registry.address}/library/app"
    put_tag(app, UNSIGNED.manifest.digest, [signed_layer(payload(UNSIGNED.manifest.digest, name=name), signer())])
    debug = fallback_tag(SIGNED.manifest.digest) + ".debug"
    app.put(UNSIGNED, tag=debug)
    options = replace(options, source_tags=list(app.tags))
    (outcome,) = await copy_tags(source, target, ["signed"], options=options)
    assert outcome.referrers_failed == ()
    assert target_registry.repository("mirror/app").tags[debug] == UNSIGNED.manifest.digest


async def test_an_image_of_a_sha512_digest_is_let_in_by_the_signatures_that_refer_to_it(
    target_registry: FaultyRegistry, source_registry: FaultyRegistry, app: StoredTags, options, source, target
) -> None:
    manifest = Manifest(SIGNED.manifest.content, SIGNED.manifest.media_type, "sha512")
    app.manifests[manifest.digest] = manifest
    app.tags["long"] = manifest.digest
    (outcome,) = await copy_tags(source, target, ["long"], options=options)
    assert (outcome.action, outcome.error and outcome.error.code) == (Action.FAILED, Code.SIGNATURE)
    signed = payload(manifest.digest, name=f"{source_registry.address}/library/app")
    put_referrer(app, manifest, [signed_layer(signed, signer())])
    (outcome,) = await copy_tags(source, target, ["long"], options=options)
    assert outcome.action is Action.COPIED, outcome.reason
