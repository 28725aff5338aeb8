"""Policies: what is read, what is refused and how, and that nothing is lost on the way to JSON and back."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from mirrors.oci import Code, Reference
from mirrors.oci.errors import InvalidPolicy
from mirrors.oci.signatures import SignaturePolicy
from tests.oci.signatures.signing import signer

DIGEST = "sha256:" + "ab" * 32
KEY = signer().key_data
ANY, NONE = {"type": "insecureAcceptAnything"}, {"type": "reject"}
HERE = 'transports.docker["quay.io"][0]'


def signed(**members: Any) -> dict[str, Any]:
    return {"type": "sigstoreSigned", "keyData": KEY} | members


def scoped(requirement: Any, *, scope: str = "quay.io") -> dict[str, Any]:
    return {"default": [NONE], "transports": {"docker": {scope: [requirement]}}}


def identity(**members: Any) -> dict[str, Any]:
    return scoped(signed(signedIdentity=members))


def encoded(key: Any) -> str:
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(pem).decode()


IDENTITIES = [
    {"type": "matchExact"},
    {"type": "matchRepository"},
    {"type": "matchDigest"},
    {"type": "exactReference", "dockerReference": "quay.io/a/b:v1"},
    {"type": "exactReference", "dockerReference": f"quay.io/a/b@{DIGEST}"},
    {"type": "exactRepository", "dockerRepository": "docker.io/library/busybox"},
    {"type": "remapIdentity", "prefix": "localhost:5000/mirror", "signedPrefix": "vendor.example.com"},
]
SCOPES = [
    "",
    "quay.io",
    "quay.io:443",
    "localhost",
    "localhost:5000",
    "[::1]:5000",
    "quay.io/a",
    "docker.io/library",
    "docker.io/library/busybox",
    "quay.io/a/b:v1",
    f"quay.io/a/b@{DIGEST}",
    "*.example.com",
    "*.com",
]
REQUIREMENTS = [
    ANY,
    NONE,
    signed(),
    {"type": "sigstoreSigned", "keyDatas": [KEY, signer("Ed25519").key_data]},
    *(signed(signedIdentity=each) for each in IDENTITIES),
]
LISTS = st.lists(st.sampled_from(REQUIREMENTS), min_size=1, max_size=3)


@given(default=LISTS, scopes=st.dictionaries(st.sampled_from(SCOPES), LISTS, max_size=5))
def test_a_policy_survives_its_way_to_json_and_back(default: list[Any], scopes: dict[str, list[Any]]) -> None:
    document = {"default": default} | ({"transports": {"docker": scopes}} if scopes else {})
    policy = SignaturePolicy.parse(json.dumps(document))
    assert policy.to_json() == document
    assert SignaturePolicy.from_json(policy.to_json()) == policy


def test_a_list_of_requirements_is_the_default_of_a_policy() -> None:
    policy = SignaturePolicy.parse(json.dumps([signed(), ANY]))
    assert policy.to_json() == {"default": [signed(), ANY]}


def test_the_usual_identity_need_not_be_written() -> None:
    usual = signed(signedIdentity={"type": "matchRepoDigestOrExact"})
    assert SignaturePolicy.from_json([usual]) == SignaturePolicy.from_json([signed()])


def test_the_same_key_in_other_lines_is_the_same_key() -> None:
    lines = base64.encodebytes(base64.b64decode(KEY)).decode()
    assert SignaturePolicy.from_json([signed(keyData=lines)]) == SignaturePolicy.from_json([signed()])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not JSON: Expecting value at line 1, column 1"),
        ('{"default": [] /* none */}', "is not JSON: Expecting ',' delimiter at line 1, column 16. Mind that JSON has"),
        ('{"default": [], "default": []}', "an object has the same member twice"),
        ("[" * 100_000, "is not JSON that can be read"),
        (" " * (1024 * 1024 + 1), "larger than 1 MiB"),
        ("7", "wrong at the top: here stands a number where an object"),
        ("null", "wrong at the top: here stands null where"),
        ("{}", 'wrong at the top: the member "default" is missing. Add it, best as [{"type": "reject"}]'),
        ("[]", "wrong at the list: the list is empty"),
        ('{"default": {}}', "wrong at default: here stands an object where a list"),
        ('{"default": []}', "wrong at default: the list is empty. Write at least one entry into it"),
        ('{"default": [true]}', "wrong at default[0]: here stands true or false where an object"),
        ('{"default": [{}]}', 'wrong at default[0]: the member "type" is missing. Add it'),
        ('{"default": [{"type": ""}]}', "wrong at default[0].type: the text is empty"),
        ('{"default": [{"type": 1}]}', "wrong at default[0].type: here stands a number where a text"),
        ('{"defaults": []}', "wrong at the top.defaults: there is no such member. Known are default, transports"),
        (
            '{"default": [{"type": "accept"}]}',
            "wrong at default[0].type: 'accept' is no requirement. Known are insecure",
        ),
    ],
)
def test_a_text_that_is_no_policy_is_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(InvalidPolicy) as caught:
        SignaturePolicy.parse(text)
    assert says in caught.value.message
    assert (caught.value.code, caught.value.retryable) == (Code.SIGNATURE, False)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"default": [NONE], "transports": []}, "wrong at transports: here stands a list where an object"),
        (
            {"default": [NONE], "transports": {"docker-daemon": {"": [ANY]}}},
            'wrong at transports["docker-daemon"]: images come only from registries, which are "docker". Take this',
        ),
        (scoped(ANY | {"keyData": KEY}), f"wrong at {HERE}.keyData: there is no such member. Known are type"),
        (scoped(NONE | {"x y": 1}), f'wrong at {HERE}."x y": there is no such member'),
        (scoped({"type": "signedBy"}), f"wrong at {HERE}: signatures by GPG keys (signedBy) are not verified. Use"),
        (scoped(signed(extra=1)), f"wrong at {HERE}.extra: there is no such member. Known are keyData, keyDatas"),
        (scoped({"type": "sigstoreSigned"}), f"wrong at {HERE}: exactly one of keyData and keyDatas belongs here"),
        (scoped(signed(keyDatas=[KEY])), f"wrong at {HERE}: exactly one of keyData and keyDatas belongs here"),
        (
            scoped({"type": "sigstoreSigned", "keyPath": "/etc/cosign.pub"}),
            f"wrong at {HERE}.keyPath: a worker may run where this file is not. Put the key itself into keyData:",
        ),
        (
            scoped({"type": "sigstoreSigned", "keyPaths": []}),
            f"wrong at {HERE}.keyPaths: a worker may run where this file is not. Put the key itself into keyDatas:",
        ),
        (
            scoped({"type": "sigstoreSigned", "fulcio": {}}),
            f"wrong at {HERE}.fulcio: only signatures made by keys are verified",
        ),
        (scoped({"type": "sigstoreSigned", "pki": {}}), f"wrong at {HERE}.pki: only signatures made by keys"),
        (
            scoped(signed(rekorPublicKeyData=KEY)),
            f"wrong at {HERE}.rekorPublicKeyData: entries of the transparency log are not verified. Take it out",
        ),
        (identity(), f'wrong at {HERE}.signedIdentity: the member "type" is missing'),
        (identity(type="same"), f"wrong at {HERE}.signedIdentity.type: 'same' is no identity. Known are matchRepo"),
        (identity(type="matchExact", x=1), f"wrong at {HERE}.signedIdentity.x: there is no such member"),
        (identity(type="exactReference"), f'wrong at {HERE}.signedIdentity: the member "dockerReference" is missing'),
        (
            identity(type="exactReference", dockerReference="quay.io/a/b"),
            f"wrong at {HERE}.signedIdentity.dockerReference: the tag or digest is missing",
        ),
        (
            identity(type="exactReference", dockerReference="quay.io/A/b:v1"),
            f"wrong at {HERE}.signedIdentity.dockerReference: The repository 'A/b' has upper-case letters.",
        ),
        (
            identity(type="exactRepository", dockerRepository="quay.io/a/b:v1"),
            f"wrong at {HERE}.signedIdentity.dockerRepository: a repository has no tag and no digest. Take it off",
        ),
        (
            identity(type="remapIdentity", prefix="quay.io/a:v1", signedPrefix="quay.io"),
            f"wrong at {HERE}.signedIdentity.prefix: 'a:v1' in the repository",
        ),
        (
            identity(type="remapIdentity", prefix="quay.io", signedPrefix="busybox"),
            f"wrong at {HERE}.signedIdentity.signedPrefix: 'busybox' is no registry. Write names in full",
        ),
    ],
)
def test_a_wrong_part_is_refused_with_its_place_and_what_to_do(document: Any, says: str) -> None:
    with pytest.raises(InvalidPolicy) as caught:
        SignaturePolicy.from_json(document)
    assert says in caught.value.message


@pytest.mark.parametrize(
    ("scope", "says"),
    [
        ("busybox", "'busybox' is no registry. Write names in full, as in docker.io/library/busybox"),
        ("library/busybox", "'library' is no registry"),
        ("quay.io/", "repository is missing"),
        ("quay.io/a//b", "has an empty part"),
        ("quay.io/A", "has upper-case letters"),
        ("Quay.io/a", "no image has this name. Write quay.io in place of Quay.io"),
        ("index.docker.io/library", "no image has this name. Write docker.io in place of index.docker.io"),
        ("https://quay.io", "a scope has no scheme. Begin with the registry, as in quay.io"),
        ("quay.io:port", "'port' is no port"),
        ("quay.io/a:-v1", "'-v1' is no tag"),
        ("quay.io/a:", "'' is no tag. Correct it, or take it off with its colon"),
        ("quay.io/a@sha256:1", "what follows the @ is no digest"),
        (f"quay.io@{DIGEST}", "the repository is missing before the @"),
        ("*.Example.com", "a wildcard is *. and a host in lower case"),
        ("*.example.com/a", "a wildcard is"),
        ("*.example.com:5000", "a wildcard is"),
        ("*.*.com", "a wildcard is"),
        ("*.", "a wildcard is"),
        ("example*.com", "'example*.com' is no registry"),
        ("quay.io/a b", "is not allowed"),
    ],
)
def test_a_scope_that_no_image_could_be_in_is_refused(scope: str, says: str) -> None:
    with pytest.raises(InvalidPolicy) as caught:
        SignaturePolicy.from_json(scoped(ANY, scope=scope))
    assert says in caught.value.message
    assert f"wrong at transports.docker[{json.dumps(scope)}]" in caught.value.message


@pytest.mark.parametrize(
    ("key_data", "says"),
    [
        (7, "here stands a number where a text"),
        ("", "the text is empty"),
        ("*", "this is not base64. Encode the key's file: base64 -w0 cosign.pub"),
        (base64.b64decode(KEY).decode(), "this is the PEM text itself. Encode it: base64 -w0 cosign.pub"),
        (base64.b64encode(b"hello").decode(), "this is no public key in PEM. Use cosign.pub"),
        (
            base64.b64encode(b"-----BEGIN CERTIFICATE-----").decode(),
            "this is a certificate. Take its key: openssl x509",
        ),
        (encoded(ec.generate_private_key(ec.SECP256K1())), "a key of this kind cannot be used. Use ECDSA on P-256"),
        (encoded(rsa.generate_private_key(65537, 1024)), "a key of this kind cannot be used"),
        (encoded(dsa.generate_private_key(1024)), "a key of this kind cannot be used"),
    ],
)
def test_what_is_no_usable_key_is_refused(key_data: Any, says: str) -> None:
    with pytest.raises(InvalidPolicy) as caught:
        SignaturePolicy.from_json([signed(keyData=key_data)])
    assert f"wrong at the list[0].keyData: {says}" in caught.value.message
    with pytest.raises(InvalidPolicy) as caught:
        SignaturePolicy.from_json([{"type": "sigstoreSigned", "keyDatas": [KEY, key_data]}])
    assert f"wrong at the list[0].keyDatas[1]: {says}" in caught.value.message


def test_a_private_key_is_refused_and_not_repeated() -> None:
    pem = signer().key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    text = base64.b64encode(pem).decode()
    with pytest.raises(InvalidPolicy) as caught:
        SignaturePolicy.from_json([signed(keyData=text)])
    assert "this is a private key, which belongs nowhere but with who signs" in caught.value.message
    assert text[40:80] not in caught.value.message


IMAGE = Reference.parse("sub.example.com:5000/team/part/app:v1")
MOST_SPECIFIC_FIRST = [
    f"sub.example.com:5000/team/part/app@{DIGEST}",
    "sub.example.com:5000/team/part/app:v1",
    "sub.example.com:5000/team/part/app",
    "sub.example.com:5000/team/part",
    "sub.example.com:5000/team",
    "sub.example.com:5000",
    "*.example.com",
    "*.com",
    "",
]
ELSEWHERE = [
    "sub.example.com:5000/team/part/app:v2",
    "sub.example.com:5000/team/part/app2",
    "sub.example.com:5000/tea",
    "sub.example.com/team/part/app",
    "sub.example.com",
    "example.com:5000",
    "*.sub.example.com",
    "*.example.org",
    "quay.io",
]


@given(st.sets(st.sampled_from(MOST_SPECIFIC_FIRST)), st.sets(st.sampled_from(ELSEWHERE)), st.randoms())
def test_the_most_specific_scope_wins_alone(matching: set[str], others: set[str], random: Any) -> None:
    def requirement(scope: str) -> dict[str, Any]:
        name = scope.encode().hex()
        return signed(signedIdentity={"type": "exactRepository", "dockerRepository": f"quay.io/scope/x{name}"})

    names = [*matching, *others]
    random.shuffle(names)
    document = {"default": [ANY], "transports": {"docker": {scope: [requirement(scope)] for scope in names}}}
    policy = SignaturePolicy.from_json(document)
    wins = next((scope for scope in MOST_SPECIFIC_FIRST if scope in matching), None)
    expected = [ANY] if wins is None else [requirement(wins)]
    assert [each.to_json() for each in policy.requirements_for(IMAGE, digest=DIGEST)] == expected


@pytest.mark.parametrize(
    ("reference", "scope"),
    [
        ("busybox", "docker.io/library/busybox"),
        ("busybox", "docker.io/library"),
        ("busybox:1", "docker.io/library/busybox:1"),
        ("index.docker.io/a/b", "docker.io/a"),
        ("[::1]:5000/a/b", "[::1]:5000"),
        ("[::1]:5000/a/b", ""),
        ("localhost/a", "localhost"),
        ("quay.io:443/a/b:1", "quay.io:443/a"),
        ("quay.io:443/a/b:1", "quay.io/a/b:1"),
        ("quay.io:443/a/b:1", "quay.io"),
        (f"quay.io/a/b@{DIGEST}", f"quay.io/a/b@{DIGEST}"),
    ],
)
def test_an_image_is_in_the_scopes_of_its_full_name(reference: str, scope: str) -> None:
    policy = SignaturePolicy.from_json(scoped(ANY, scope=scope))
    (requirement,) = policy.requirements_for(Reference.parse(reference), digest=DIGEST)
    assert requirement.to_json() == ANY
