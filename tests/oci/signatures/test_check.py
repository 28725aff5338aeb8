"""Which images a policy lets in, by the signatures that lie beside them in a registry."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mirrors.oci import AuthFailed, Code, RemoteRepository, Side
from mirrors.oci.errors import SignatureRefused
from mirrors.oci.signatures import SignaturePolicy, check_signatures
from mirrors.sample.images import small_image, small_index
from tests.oci.signatures.signing import (
    KINDS,
    Layer,
    Signer,
    payload,
    put_tag,
    signed_layer,
    signer,
)
from tests.registry import FaultyRegistry
from tests.registry.content import StoredTags

NAME = "quay.io/library/app"
REFERENCE = f"{NAME}:v1"
IMAGE = small_image().manifest
ANOTHER = small_image(1).manifest
BY_REPOSITORY = {"signedIdentity": {"type": "matchRepository"}}


@pytest.fixture
def stored(source_registry: FaultyRegistry) -> StoredTags:
    """The source repository, with the image in it."""
    stored = source_registry.repository("library/app")
    stored.put(small_image(), tag="v1")
    return stored


def wants(*signers: Signer, **members: Any) -> dict[str, Any]:
    keys = {"keyData": signers[0].key_data} if len(signers) == 1 else {"keyDatas": [each.key_data for each in signers]}
    return {"type": "sigstoreSigned"} | keys | (members or BY_REPOSITORY)


async def check(repository: RemoteRepository, *requirements: Any, reference: str = REFERENCE) -> None:
    policy = SignaturePolicy.from_json(list(requirements))
    await check_signatures(repository, IMAGE.digest, reference=reference, policy=policy)


async def refused(repository: RemoteRepository, *requirements: Any, reference: str = REFERENCE) -> str:
    with pytest.raises(SignatureRefused) as caught:
        await check(repository, *requirements, reference=reference)
    error = caught.value
    assert (error.code, error.retryable, error.side) == (Code.SIGNATURE, False, Side.SOURCE)
    return error.message


@pytest.mark.parametrize("kind", KINDS)
async def test_a_signature_by_a_key_of_the_policy_lets_the_image_in(
    kind: str, source: RemoteRepository, stored: StoredTags
) -> None:
    put_tag(stored, IMAGE.digest, [signed_layer(payload(IMAGE.digest, name=NAME), signer(kind))])
    await check(source, wants(signer(kind)))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_signature_by_another_key_does_not(kind: str, source: RemoteRepository, stored: StoredTags) -> None:
    put_tag(stored, IMAGE.digest, [signed_layer(payload(IMAGE.digest, name=NAME), signer(kind))])
    for other in ("P-256", "RSA", "Ed25519"):
        sentence = await refused(source, wants(signer(other, number=1)))
        assert "was made by a key it does not want" in sentence
        assert "add the key that signs it to the policy" in sentence


async def test_an_image_without_signatures_is_refused(source: RemoteRepository, stored: StoredTags) -> None:
    sentence = await refused(source, wants(signer()))
    assert sentence == (
        f"{REFERENCE} has no signature at {source.location}, and the policy wants one. "
        "Sign it there with cosign, or change the policy for it."
    )


async def test_the_signature_of_another_image_does_not_count(source: RemoteRepository, stored: StoredTags) -> None:
    put_tag(stored, IMAGE.digest, [signed_layer(payload(ANOTHER.digest, name=NAME), signer())])
    sentence = await refused(source, wants(signer()))
    assert "one is for another image. Sign what the tag points at now." in sentence


async def test_a_payload_that_was_changed_after_it_was_signed_does_not_count(
    source: RemoteRepository, stored: StoredTags
) -> None:
    layer = signed_layer(payload(ANOTHER.digest, name=NAME), signer())
    layer.content = payload(IMAGE.digest, name=NAME)
    put_tag(stored, IMAGE.digest, [layer])
    assert "by a key it does not want" in await refused(source, wants(signer()))


async def test_a_blob_that_is_not_what_its_digest_says_does_not_count(
    source: RemoteRepository, stored: StoredTags
) -> None:
    layer = signed_layer(payload(IMAGE.digest, name=NAME), signer())
    put_tag(stored, IMAGE.digest, [layer])
    stored.blobs[layer.descriptor()["digest"]] = b"x" * len(layer.content)
    assert "cannot be read (Blob sha256:" in await refused(source, wants(signer()))


@pytest.mark.parametrize(
    ("signed", "says"),
    [
        ("quay.io/library/other", "one names 'quay.io/library/other', without a tag, where"),
        ("quay.io/library/other:v1", "one names 'quay.io/library/other:v1' where"),
        ("no reference", "one names 'no reference' where"),
    ],
)
async def test_a_signature_that_names_another_repository_does_not_count(
    signed: str, says: str, source: RemoteRepository, stored: StoredTags
) -> None:
    put_tag(stored, IMAGE.digest, [signed_layer(payload(IMAGE.digest, name=signed), signer())])
    sentence = await refused(source, wants(signer()))
    assert says in sentence
    assert "the policy wants matchRepository. Sign it under its own name" in sentence


async def test_one_good_signature_among_bad_ones_is_enough(source: RemoteRepository, stored: StoredTags) -> None:
    right = payload(IMAGE.digest, name=NAME)
    layers = [
        Layer(b"no JSON", annotations={"dev.cosignproject.cosign/signature": "no base64!"}),
        signed_layer(right, signer(number=1)),
        signed_layer(payload(ANOTHER.digest, name=NAME), signer()),
        signed_layer(right, signer()),
    ]
    put_tag(stored, IMAGE.digest, layers)
    await check(source, wants(signer()))


async def test_any_of_the_keys_of_a_requirement_will_do(source: RemoteRepository, stored: StoredTags) -> None:
    put_tag(stored, IMAGE.digest, [signed_layer(payload(IMAGE.digest, name=NAME), signer(number=1))])
    await check(source, wants(signer(), signer(number=1)))


async def test_all_requirements_have_to_hold_each_by_its_own_signature(
    source: RemoteRepository, stored: StoredTags
) -> None:
    right = payload(IMAGE.digest, name=NAME)
    put_tag(stored, IMAGE.digest, [signed_layer(right, signer())])
    both = wants(signer()), wants(signer(number=1))
    assert "by a key it does not want" in await refused(source, *both)
    put_tag(stored, IMAGE.digest, [signed_layer(right, signer()), signed_layer(right, signer(number=1))])
    await check(source, *both)
    await check(source, {"type": "insecureAcceptAnything"}, *both)
    assert "rejects" in await refused(source, *both, {"type": "reject"})


async def test_without_a_wanted_signature_the_source_is_not_asked(
    source: RemoteRepository, source_registry: FaultyRegistry
) -> None:
    await check(source, {"type": "insecureAcceptAnything"})
    sentence = await refused(source, {"type": "reject"})
    assert sentence == f"The signature policy rejects {REFERENCE}. Leave it out, or change the policy for it."
    assert source_registry.requests == []


async def test_the_first_good_signature_spares_all_further_requests(
    source: RemoteRepository, source_registry: FaultyRegistry, stored: StoredTags
) -> None:
    right = payload(IMAGE.digest, name=NAME)
    put_tag(stored, IMAGE.digest, [signed_layer(right, signer()), signed_layer(right + b" ", signer())])
    await check(source, wants(signer()))
    assert source_registry.count("GET", "/manifests/") == 1
    assert source_registry.count("GET", "/blobs/") == 1
    assert source_registry.count("GET", "/referrers/") == 0


async def test_the_signature_of_an_index_stands_for_its_images(source: RemoteRepository, stored: StoredTags) -> None:
    index = small_index()
    stored.put(index, tag="v1")
    put_tag(stored, index.manifest.digest, [signed_layer(payload(index.manifest.digest, name=NAME), signer())])
    policy = SignaturePolicy.from_json([wants(signer())])
    await check_signatures(source, index.manifest.digest, reference=REFERENCE, policy=policy)
    with pytest.raises(SignatureRefused):
        await check_signatures(source, index.children[0].manifest.digest, reference=REFERENCE, policy=policy)


async def test_a_keyless_signature_is_named_as_what_it_is(source: RemoteRepository, stored: StoredTags) -> None:
    certificate = {"dev.sigstore.cosign/certificate": "-----BEGIN CERTIFICATE-----"}
    layer = signed_layer(payload(IMAGE.digest, name=NAME), signer(number=1), **certificate)
    put_tag(stored, IMAGE.digest, [layer])
    assert "was made without a key (keyless), which is not verified" in await refused(source, wants(signer()))


async def test_a_fault_of_the_source_is_raised_as_it_is(
    source: RemoteRepository, source_registry: FaultyRegistry, stored: StoredTags
) -> None:
    source_registry.fail("GET", r"\.sig$", status=403, times=100)
    with pytest.raises(AuthFailed) as caught:
        await check(source, wants(signer()))
    assert caught.value.side is Side.SOURCE


def _bad(content: bytes) -> list[Layer]:
    return [signed_layer(content, signer())]


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        (_bad(b"no JSON"), "is not JSON that can be read"),
        (_bad(b"\xff\xfe"), "is not JSON that can be read"),
        (_bad(b"[" * 100_000), "is not JSON that can be read"),
        (_bad(b'{"critical": {}, "critical": {}}'), "is not JSON that can be read"),
        (_bad(b"[]"), "has no object where its payload belongs"),
        (_bad(b"{}"), "has no object where its critical belongs"),
        (_bad(b'{"critical": {"type": "atomic container signature"}}'), "is of the type 'atomic container signature'"),
        (_bad(b'{"critical": {"type": "cosign container image signature"}}'), "no object where its critical.image"),
        (_bad(payload(IMAGE.digest, name=7)), "names no digest or no docker-reference"),  # type: ignore[arg-type]
        (_bad(payload(IMAGE.digest, name=NAME, kind="\ud800" * 5000)), "is of the type '\\ud800"),
        ([Layer(payload(IMAGE.digest, name=NAME))], "lacks the annotation dev.cosignproject.cosign/signature"),
        (
            [Layer(b"{}", annotations={"dev.cosignproject.cosign/signature": "not base64"})],
            "is not in base64",
        ),
        (
            [Layer(b"{}", annotations={"dev.cosignproject.cosign/signature": base64.b64encode(b"x").decode()})],
            "was made by a key it does not want",
        ),
        ([Layer(b"{}", size=4 * 1024 * 1024 + 1)], "is larger than 4 MiB"),
        ([Layer(b"{}", size=1)], "cannot be read (Blob sha256:"),
        ([Layer(b"%d" % number) for number in range(51)], "is not among the first 50 of its manifest"),
    ],
)
async def test_what_is_no_signature_does_not_count_and_breaks_nothing(
    layers: list[Layer], says: str, source: RemoteRepository, stored: StoredTags
) -> None:
    put_tag(stored, IMAGE.digest, layers)
    sentence = await refused(source, wants(signer()))
    assert says in sentence
    assert len(sentence) < 1500
    sentence.encode()


@pytest.mark.parametrize("document", [{"layers": 7}, {"layers": [{"digest": "sha256:short"}]}, {"schemaVersion": 1}])
async def test_a_signature_manifest_that_cannot_be_read_does_not_count(
    document: dict[str, Any], source: RemoteRepository, source_registry: FaultyRegistry, stored: StoredTags
) -> None:
    body = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"} | document)
    source_registry.fail("GET", r"\.sig$", status=200, body=body.encode(), times=100)
    assert "one cannot be read (" in await refused(source, wants(signer()))


async def test_a_missing_blob_of_a_signature_does_not_count(source: RemoteRepository, stored: StoredTags) -> None:
    layer = signed_layer(payload(IMAGE.digest, name=NAME), signer())
    put_tag(stored, IMAGE.digest, [layer])
    del stored.blobs[layer.descriptor()["digest"]]
    assert "one cannot be read (" in await refused(source, wants(signer()))


async def test_only_the_nearest_reasons_are_told(source: RemoteRepository, stored: StoredTags) -> None:
    layers = [Layer(b'"%d"' % number, size=number) for number in range(8)]
    layers.append(signed_layer(payload(IMAGE.digest, name="quay.io/a/b"), signer()))
    put_tag(stored, IMAGE.digest, layers)
    sentence = await refused(source, wants(signer()))
    assert f"{REFERENCE} has no signature that the policy accepts: one names 'quay.io/a/b'" in sentence
    assert sentence.count("; one ") == 2


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize(
    ("generate", "sign"),
    [
        (["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], ["-sha256"]),
        (["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], ["-sha384"]),
        (["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], ["-sha256"]),
        (
            ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
            ["-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:-2"],
        ),
    ],
)
async def test_what_openssl_signs_is_accepted(
    generate: list[str], sign: list[str], source: RemoteRepository, stored: StoredTags, tmp_path: Path
) -> None:
    def openssl(*arguments: str) -> bytes:
        return subprocess.run(["openssl", *arguments], cwd=tmp_path, check=True, capture_output=True).stdout

    content = payload(IMAGE.digest, name=NAME)
    (tmp_path / "payload").write_bytes(content)
    openssl("genpkey", *generate, "-out", "private.pem")
    pem = openssl("pkey", "-in", "private.pem", "-pubout")
    signature = openssl("dgst", *sign, "-sign", "private.pem", "payload")
    text = base64.b64encode(signature).decode()
    put_tag(stored, IMAGE.digest, [Layer(content, annotations={"dev.cosignproject.cosign/signature": text})])
    key_data = base64.b64encode(pem).decode()
    await check(source, {"type": "sigstoreSigned", "keyData": key_data} | BY_REPOSITORY)
