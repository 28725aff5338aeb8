"""Signs images as cosign does, with real keys, and lays the signatures beside them in the test registry."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mirrors.oci.images.manifest import OCI_INDEX, OCI_MANIFEST, Manifest, sha256_digest
from mirrors.oci.signatures.cosign import SIMPLE_SIGNING, pae
from tests.registry.content import StoredTags

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SIGN_PREDICATE = "https://sigstore.dev/cosign/sign/v1"
EMPTY = "application/vnd.oci.empty.v1+json"
CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
CURVE_HASHES = {"P-256": hashes.SHA256(), "P-384": hashes.SHA384(), "P-521": hashes.SHA512()}
KINDS = (*CURVES, "RSA", "RSA-PSS", "Ed25519", "P-384 with SHA-256", "P-521 with SHA-256")


@dataclass(frozen=True)
class Signer:
    """A private key, and how it signs."""

    kind: str
    key: Any

    @property
    def key_data(self) -> str:
        """The public key as a policy has it."""
        pem = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(pem).decode()

    def sign(self, content: bytes) -> bytes:
        """A signature over the content."""
        if self.kind == "Ed25519":
            return self.key.sign(content)
        if self.kind == "RSA":
            return self.key.sign(content, padding.PKCS1v15(), hashes.SHA256())
        if self.kind == "RSA-PSS":
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
            return self.key.sign(content, pss, hashes.SHA256())
        return self.key.sign(content, ec.ECDSA(CURVE_HASHES.get(self.kind, hashes.SHA256())))


def signer(kind: str = "P-256", *, number: int = 0) -> Signer:
    """A signer of this kind; another number gives another key."""
    return _signer(kind, number)


@cache
def _signer(kind: str, number: int) -> Signer:
    if kind == "Ed25519":
        return Signer(kind, ed25519.Ed25519PrivateKey.generate())
    if kind.startswith("RSA"):
        return Signer(kind, rsa.generate_private_key(65537, 2048))
    return Signer(kind, ec.generate_private_key(CURVES[kind.partition(" ")[0]]))


def payload(digest: str, *, name: str, kind: str = "cosign container image signature") -> bytes:
    """What cosign up to version 2 signs."""
    critical = {"identity": {"docker-reference": name}, "image": {"docker-manifest-digest": digest}, "type": kind}
    return json.dumps({"critical": critical, "optional": None}).encode()


def statement(digest: str, *, name: str = "", predicate: str = SIGN_PREDICATE, **members: Any) -> bytes:
    """What cosign 3 signs: it leaves the name out."""
    algorithm, _, value = digest.partition(":")
    subject: dict[str, Any] = {"digest": {algorithm: value}} | ({"name": name} if name else {})
    document = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": "0" * 64}}, subject],
        "predicateType": predicate,
        "predicate": {},
    }
    return json.dumps(document | members).encode()


def dsse_bundle(content: bytes, by: Signer, *, payload_type: str = "application/vnd.in-toto+json") -> bytes:
    """A bundle with an envelope over the statement."""
    envelope = {
        "payload": base64.b64encode(content).decode(),
        "payloadType": payload_type,
        "signatures": [{"sig": base64.b64encode(by.sign(pae(payload_type, content))).decode()}],
    }
    return bundle(dsseEnvelope=envelope)


def message_bundle(content: bytes, by: Signer) -> bytes:
    """A bundle with a signature over bytes as they are."""
    return bundle(messageSignature={"signature": base64.b64encode(by.sign(content)).decode()})


def bundle(**members: Any) -> bytes:
    """A bundle of version 0.3 with these members."""
    material = {"publicKey": {"hint": "a hint"}}
    return json.dumps({"mediaType": BUNDLE, "verificationMaterial": material} | members).encode()


@dataclass
class Layer:
    """A layer of a signature manifest. size: what its descriptor says, where that is not true."""

    content: bytes
    media_type: str = SIMPLE_SIGNING
    annotations: dict[str, str] = field(default_factory=dict)
    size: int | None = None

    def descriptor(self) -> dict[str, Any]:
        """As it stands in the manifest."""
        size = len(self.content) if self.size is None else self.size
        digest = sha256_digest(self.content)
        return {"mediaType": self.media_type, "digest": digest, "size": size, "annotations": self.annotations}


def signed_layer(content: bytes, by: Signer, **annotations: str) -> Layer:
    """A simple-signing layer with its signature."""
    text = base64.b64encode(by.sign(content)).decode()
    return Layer(content, annotations={"dev.cosignproject.cosign/signature": text} | annotations)


def put_tag(stored: StoredTags, digest: str, layers: Sequence[Layer]) -> Manifest:
    """Lay a manifest with these layers under cosign's tag of the digest."""
    manifest = _put(stored, layers, {})
    stored.tags[digest.replace(":", "-") + ".sig"] = manifest.digest
    return manifest


def put_referrer(
    stored: StoredTags, subject: Manifest, layers: Sequence[Layer], *, artifact_type: str = BUNDLE
) -> Manifest:
    """Lay a manifest with these layers among the referrers of the image."""
    descriptor = {"mediaType": subject.media_type, "digest": subject.digest, "size": len(subject.content)}
    return _put(stored, layers, {"artifactType": artifact_type, "subject": descriptor})


def put_bundle(stored: StoredTags, subject: Manifest, content: bytes) -> Manifest:
    """Lay a bundle among the referrers of the image."""
    return put_referrer(stored, subject, [Layer(content, media_type=BUNDLE)])


def put_fallback(stored: StoredTags, digest: str, referrers: Sequence[Manifest]) -> None:
    """List these referrers under the fallback tag, with the config's type as GHCR does."""
    entries = [
        {"mediaType": each.media_type, "digest": each.digest, "size": len(each.content), "artifactType": EMPTY}
        for each in referrers
    ]
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    index = Manifest(json.dumps(document).encode(), OCI_INDEX)
    stored.manifests[index.digest] = index
    stored.tags[digest.replace(":", "-")] = index.digest


def _put(stored: StoredTags, layers: Sequence[Layer], members: dict[str, Any]) -> Manifest:
    config = b"{}"
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": EMPTY, "digest": sha256_digest(config), "size": len(config)},
        "layers": [layer.descriptor() for layer in layers],
    }
    manifest = Manifest(json.dumps(document | members).encode(), OCI_MANIFEST)
    stored.blobs[sha256_digest(config)] = config
    stored.blobs.update({sha256_digest(layer.content): layer.content for layer in layers})
    stored.manifests[manifest.digest] = manifest
    return manifest
