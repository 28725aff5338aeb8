"""The bundles of cosign 3, which lie among an image's referrers."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from mirrors.oci import RemoteRepository
from mirrors.oci.errors import SignatureRefused
from mirrors.oci.signatures import SignaturePolicy, check_signatures
from mirrors.sample.images import small_image
from tests.oci.signatures.signing import (
    BUNDLE,
    EMPTY,
    KINDS,
    Layer,
    bundle,
    dsse_bundle,
    message_bundle,
    payload,
    put_bundle,
    put_fallback,
    put_referrer,
    put_tag,
    signed_layer,
    signer,
    statement,
)
from tests.registry import FaultyRegistry
from tests.registry.content import StoredTags

NAME = "quay.io/library/app"
IMAGE = small_image().manifest
ANOTHER = small_image(1).manifest
RIGHT = statement(IMAGE.digest)


@pytest.fixture
def stored(source_registry: FaultyRegistry) -> StoredTags:
    """The source repository, with the image in it."""
    stored = source_registry.repository("library/app")
    stored.put(small_image(), tag="v1")
    return stored


async def check(repository: RemoteRepository, *, kind: str = "P-256", identity: str = "matchDigest") -> None:
    requirement = {"type": "sigstoreSigned", "keyData": signer(kind).key_data, "signedIdentity": {"type": identity}}
    policy = SignaturePolicy.from_json([requirement])
    await check_signatures(repository, IMAGE.digest, reference=f"{NAME}:v1", policy=policy)


async def refused(repository: RemoteRepository, **settings: str) -> str:
    with pytest.raises(SignatureRefused) as caught:
        await check(repository, **settings)
    return caught.value.message


@pytest.mark.parametrize("kind", KINDS)
async def test_an_envelope_by_a_key_of_the_policy_lets_the_image_in(
    kind: str, source: RemoteRepository, stored: StoredTags
) -> None:
    put_bundle(stored, IMAGE, dsse_bundle(RIGHT, signer(kind)))
    await check(source, kind=kind)
    assert "by a key it does not want" in await refused(source, kind="RSA" if kind == "P-256" else "P-256")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_signature_over_the_manifest_itself_lets_the_image_in(
    kind: str, source: RemoteRepository, stored: StoredTags
) -> None:
    put_bundle(stored, IMAGE, message_bundle(IMAGE.content, signer(kind)))
    await check(source, kind=kind)


async def test_a_signature_over_another_manifest_does_not(source: RemoteRepository, stored: StoredTags) -> None:
    put_bundle(stored, IMAGE, message_bundle(ANOTHER.content, signer()))
    assert "by a key it does not want" in await refused(source)


async def test_an_envelope_for_another_image_does_not_count(source: RemoteRepository, stored: StoredTags) -> None:
    put_bundle(stored, IMAGE, dsse_bundle(statement(ANOTHER.digest), signer()))
    assert "one is for another image" in await refused(source)


async def test_a_statement_that_was_changed_after_it_was_signed_does_not_count(
    source: RemoteRepository, stored: StoredTags
) -> None:
    document = json.loads(dsse_bundle(statement(ANOTHER.digest), signer()))
    document["dsseEnvelope"]["payload"] = base64.b64encode(RIGHT).decode()
    put_bundle(stored, IMAGE, json.dumps(document).encode())
    assert "by a key it does not want" in await refused(source)


async def test_only_who_says_so_accepts_a_signature_that_names_no_repository(
    source: RemoteRepository, stored: StoredTags
) -> None:
    put_bundle(stored, IMAGE, dsse_bundle(RIGHT, signer()))
    for identity in ("matchRepoDigestOrExact", "matchExact", "matchRepository"):
        sentence = await refused(source, identity=identity)
        assert f"one names no repository, as cosign 3 never does, where the policy wants {identity}: only" in sentence
        assert "or write a signedIdentity that accepts this one" in sentence
    await check(source, identity="matchDigest")


@pytest.mark.parametrize(("name", "accepted"), [(NAME, True), ("quay.io/library/other", False)])
async def test_the_name_of_a_subject_is_compared_where_it_has_one(
    name: str, accepted: bool, source: RemoteRepository, stored: StoredTags
) -> None:
    put_bundle(stored, IMAGE, dsse_bundle(statement(IMAGE.digest, name=name), signer()))
    if accepted:
        await check(source, identity="matchRepository")
    else:
        assert f"one names {name!r}, without a tag, where" in await refused(source, identity="matchRepository")


async def test_an_attestation_is_no_signature(source: RemoteRepository, stored: StoredTags) -> None:
    provenance = statement(IMAGE.digest, predicate="https://slsa.dev/provenance/v1")
    put_bundle(stored, IMAGE, dsse_bundle(provenance, signer()))
    sentence = await refused(source)
    assert "one is an attestation of the type 'https://slsa.dev/provenance/v1' and no signature" in sentence


async def test_a_good_bundle_counts_beside_a_bad_signature_under_the_tag(
    source: RemoteRepository, stored: StoredTags
) -> None:
    put_tag(stored, IMAGE.digest, [signed_layer(payload(ANOTHER.digest, name=NAME), signer())])
    put_bundle(stored, IMAGE, b"no JSON")
    put_bundle(stored, IMAGE, dsse_bundle(RIGHT, signer()))
    await check(source)


@pytest.mark.parametrize("listed_as", ["", EMPTY, "application/vnd.dev.sigstore.bundle+json;version=0.3"])
async def test_a_bundle_counts_however_the_registry_lists_its_type(
    listed_as: str, source: RemoteRepository, stored: StoredTags
) -> None:
    layer = Layer(dsse_bundle(RIGHT, signer()), media_type=BUNDLE)
    put_referrer(stored, IMAGE, [layer], artifact_type=listed_as)
    await check(source)


async def test_a_bundle_is_found_where_the_registry_has_no_referrers_api(
    source: RemoteRepository, source_registry: FaultyRegistry, stored: StoredTags
) -> None:
    source_registry.switches.referrers = "404"
    put_fallback(stored, IMAGE.digest, [put_bundle(stored, IMAGE, dsse_bundle(RIGHT, signer()))])
    await check(source)


async def test_a_simple_signing_payload_counts_as_a_referrer_too(source: RemoteRepository, stored: StoredTags) -> None:
    layer = signed_layer(payload(IMAGE.digest, name=NAME), signer())
    put_referrer(stored, IMAGE, [layer], artifact_type="application/vnd.dev.cosign.artifact.sig.v1+json")
    await check(source, identity="matchRepository")


async def test_referrers_of_other_types_are_not_fetched(
    source: RemoteRepository, source_registry: FaultyRegistry, stored: StoredTags
) -> None:
    put_referrer(stored, IMAGE, [Layer(b"{}")], artifact_type="application/spdx+json")
    assert "has no signature at" in await refused(source)
    assert source_registry.count("GET", "/blobs/") == 0


async def test_more_referrers_than_can_be_looked_at_are_no_way_to_hide(
    source: RemoteRepository, source_registry: FaultyRegistry, stored: StoredTags
) -> None:
    for number in range(51):
        put_bundle(stored, IMAGE, b"%d" % number)
    sentence = await refused(source)
    assert "one is not among the first 50 referrers of the image" in sentence
    assert source_registry.count("GET", "/blobs/") == 50


async def test_of_one_image_so_many_signatures_are_fetched_and_no_more(
    source: RemoteRepository, source_registry: FaultyRegistry, stored: StoredTags
) -> None:
    for start in range(3):
        put_referrer(stored, IMAGE, [Layer(b"%d" % (start * 40 + number), media_type=BUNDLE) for number in range(40)])
    assert "one is not among the first 100 of the image" in await refused(source)
    assert source_registry.count("GET", "/blobs/") == 100


def _envelope(**members: Any) -> bytes:
    envelope = json.loads(dsse_bundle(RIGHT, signer()))["dsseEnvelope"]
    return bundle(dsseEnvelope=envelope | members)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"no JSON", "is not JSON that can be read"),
        (b"[]", "has no object where its bundle belongs"),
        (b"{}", "is a bundle with neither dsseEnvelope nor messageSignature"),
        (bundle(verificationMaterial=7), "has no object where its verificationMaterial belongs"),
        (bundle(messageSignature=[]), "has no object where its messageSignature belongs"),
        (bundle(messageSignature={}), "is not in base64"),
        (bundle(messageSignature={"signature": 7}), "is not in base64"),
        (bundle(dsseEnvelope=None), "has no object where its dsseEnvelope belongs"),
        (_envelope(payloadType="text/plain"), "has a payload of the type 'text/plain' and not application/vnd.in-toto"),
        (_envelope(payload="!"), "is not in base64"),
        (_envelope(payload=["a"]), "is not in base64"),
        (_envelope(signatures=[]), "is an envelope without 1 to 10 signatures"),
        (_envelope(signatures={}), "is an envelope without 1 to 10 signatures"),
        (_envelope(signatures=[{"sig": "eA=="}] * 11), "is an envelope without 1 to 10 signatures"),
        (_envelope(signatures=["eA=="]), "has no object where its signatures belongs"),
        (_envelope(signatures=[{"keyid": ""}]), "is not in base64"),
        (_envelope(signatures=[{"sig": "eA=="}]), "was made by a key it does not want"),
        (dsse_bundle(b"no JSON", signer()), "is not JSON that can be read"),
        (dsse_bundle(b"[]", signer()), "has no object where its statement belongs"),
        (dsse_bundle(statement(IMAGE.digest, _type="x"), signer()), "is a statement of the type 'x'"),
        (dsse_bundle(statement(IMAGE.digest, subject=None), signer()), "is a statement without subjects"),
        (dsse_bundle(statement(IMAGE.digest, subject=[]), signer()), "is for another image"),
        (dsse_bundle(statement(IMAGE.digest, subject=[7]), signer()), "has no object where its subject belongs"),
        (dsse_bundle(statement(IMAGE.digest, subject=[{}]), signer()), "has no object where its subject.digest"),
        (dsse_bundle(statement(IMAGE.digest, subject=[{"digest": {"md5": 7}}]), signer()), "is for another image"),
    ],
)
async def test_what_is_no_bundle_does_not_count_and_breaks_nothing(
    content: bytes, says: str, source: RemoteRepository, stored: StoredTags
) -> None:
    put_bundle(stored, IMAGE, content)
    assert says in await refused(source)


async def test_a_bundle_with_a_certificate_is_named_as_what_it_is(source: RemoteRepository, stored: StoredTags) -> None:
    document = json.loads(dsse_bundle(RIGHT, signer(number=1)))
    document["verificationMaterial"] = {"certificate": {"rawBytes": "AA=="}}
    put_bundle(stored, IMAGE, json.dumps(document).encode())
    assert "was made without a key (keyless), which is not verified" in await refused(source)


async def test_one_of_several_signatures_of_an_envelope_is_enough(source: RemoteRepository, stored: StoredTags) -> None:
    wrong, right = (json.loads(dsse_bundle(RIGHT, signer(number=n)))["dsseEnvelope"]["signatures"] for n in (1, 0))
    put_bundle(stored, IMAGE, _envelope(signatures=wrong + right))
    await check(source)


async def test_a_bundle_in_the_other_base64_alphabet_counts(source: RemoteRepository, stored: StoredTags) -> None:
    document = json.loads(dsse_bundle(RIGHT + b" " * 10, signer()))
    envelope = document["dsseEnvelope"]
    for place, name in ((envelope, "payload"), (envelope["signatures"][0], "sig")):
        place[name] = place[name].replace("+", "-").replace("/", "_")
    put_bundle(stored, IMAGE, json.dumps(document).encode())
    await check(source)


async def test_a_referrer_that_is_gone_does_not_count(source: RemoteRepository, stored: StoredTags) -> None:
    manifest = put_bundle(stored, IMAGE, dsse_bundle(RIGHT, signer()))
    del stored.blobs[json.loads(manifest.content)["layers"][0]["digest"]]
    assert "one cannot be read (" in await refused(source)
