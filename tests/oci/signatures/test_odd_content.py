"""Whatever comes instead of a signature or a policy ends in a sentence, and in no other kind of error."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mirrors.oci.errors import InvalidPolicy
from mirrors.oci.images.manifest import Descriptor, Manifest
from mirrors.oci.signatures import SignaturePolicy
from mirrors.oci.signatures.cosign import (
    SIGNATURE_ANNOTATION,
    SIMPLE_SIGNING,
    Signature,
    UnusableSignature,
    read_bundle,
    read_simple_signing,
)
from mirrors.oci.signatures.policy import SigstoreSigned
from mirrors.sample.images import small_image
from tests.oci.signatures.signing import KINDS, bundle, dsse_bundle, payload, signer, statement

IMAGE = small_image().manifest
NAMES = (
    "critical",
    "identity",
    "image",
    "type",
    "subject",
    "digest",
    "name",
    "payload",
    "signatures",
    "sig",
    "default",
)
WORDS = ("transports", "docker", "keyData", "keyDatas", "signedIdentity", "sigstoreSigned", "remapIdentity", "quay.io")
PARTS = st.sampled_from((*NAMES, *WORDS))
DOCUMENTS: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | PARTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PARTS | st.text(max_size=5), inner, max_size=5),
    max_leaves=20,
)
DEEP = b'{"predicateType": ' + b"[" * 900 + b"]" * 900 + b"}"


async def image() -> Manifest:
    return IMAGE


def claims_of(signature: Signature) -> None:
    for claim in signature.claims():
        assert isinstance(claim.digest, str)
        claim.reference  # noqa: B018 - it must not raise


@given(DOCUMENTS.map(lambda document: json.dumps(document).encode()) | st.binary(max_size=100))
@example(DEEP)
@example(json.dumps({"critical": {"type": json.loads(DEEP)}}).encode())
@example(payload(IMAGE.digest, name="\ud800"))
def test_odd_payloads_and_bundles_are_unusable_at_worst(content: bytes) -> None:
    layer = Descriptor(SIMPLE_SIGNING, IMAGE.digest, len(content), annotations={SIGNATURE_ANNOTATION: "eA=="})
    with suppress(UnusableSignature):
        claims_of(read_simple_signing(content, layer=layer))
    for odd in (content, dsse_bundle(content, signer())):
        with suppress(UnusableSignature):
            claims_of(asyncio.run(read_bundle(odd, image=image)))


@given(DOCUMENTS)
@settings(max_examples=30)
def test_odd_parts_of_a_good_bundle_are_unusable_at_worst(part: Any) -> None:
    envelope = json.loads(dsse_bundle(statement(IMAGE.digest), signer()))["dsseEnvelope"]
    members = [bundle(dsseEnvelope=envelope | {name: part}) for name in envelope]
    members += [bundle(messageSignature=part), bundle(messageSignature={"signature": part})]
    members += [bundle(verificationMaterial=part, dsseEnvelope=envelope)]
    members += [dsse_bundle(statement(IMAGE.digest, **{name: part}), signer()) for name in ("subject", "_type")]
    for content in members:
        with suppress(UnusableSignature):
            claims_of(asyncio.run(read_bundle(content, image=image)))


@given(st.sampled_from(KINDS), st.binary(max_size=600), st.binary(max_size=50))
def test_no_key_made_random_bytes(kind: str, signature: bytes, content: bytes) -> None:
    policy = SignaturePolicy.from_json([{"type": "sigstoreSigned", "keyData": signer(kind).key_data}])
    (requirement,) = policy.default
    assert isinstance(requirement, SigstoreSigned)
    assert not requirement.keys[0].made(signature, content)


@given(DOCUMENTS, st.text())
def test_odd_policies_are_refused_with_a_sentence(document: Any, text: str) -> None:
    for content in (document, {"default": document}, {"default": [{"type": "reject"}], "transports": document}):
        with suppress(InvalidPolicy):
            SignaturePolicy.from_json(content)
    requirement = {"type": "sigstoreSigned", "keyData": document, "signedIdentity": document}
    for content in ([requirement], {"default": document, "transports": {"docker": {text: document}}}):
        with suppress(InvalidPolicy):
            SignaturePolicy.from_json(content)
    with suppress(InvalidPolicy):
        SignaturePolicy.parse(text)
