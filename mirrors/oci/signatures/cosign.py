"""What cosign stores beside an image: simple-signing payloads and, since version 3, sigstore bundles.

A payload or bundle is a layer of an ordinary manifest. That manifest is found under the tag `sha256-<hex>.sig`, or
among the image's referrers. Nothing here is to be trusted before a key has verified it.

Source: sigstore/cosign specs/SIGNATURE_SPEC.md and BUNDLE_SPEC.md; secure-systems-lab/dsse protocol.md;
in-toto attestation spec/v1/statement.md.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from mirrors.oci.errors import InvalidReference
from mirrors.oci.images.manifest import Descriptor, Manifest
from mirrors.oci.images.names import is_digest
from mirrors.oci.images.reference import Reference
from mirrors.oci.signatures.document import load_json

SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
BUNDLES = "application/vnd.dev.sigstore.bundle"
"""What the media types of all versions of the bundle begin with."""
SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature"
CERTIFICATE_ANNOTATION = "dev.sigstore.cosign/certificate"
IN_TOTO = "application/vnd.in-toto+json"
COSIGN_PREDICATE = "https://sigstore.dev/cosign/sign/v1"

_SIMPLE_SIGNING_TYPE = "cosign container image signature"
_STATEMENTS = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
_MOST_SIGNATURES = 10
_SHOWN = 200


class UnusableSignature(Exception):
    """What was found is no signature that can be verified. `str(error)` finishes the sentence "its signature ..."."""


@dataclass(frozen=True)
class Claim:
    """What a signature says: the digest it is for, and the name the image has in it, if any."""

    digest: str
    name: str = ""

    @property
    def reference(self) -> Reference | None:
        """The name as a reference; None where there is none, or it is none."""
        try:
            return Reference.parse(self.name) if self.name else None
        except InvalidReference:
            return None


@dataclass(frozen=True)
class Signature:
    """A signature as found. content: what was signed. values: signatures over it, by different keys.

    claims: what the content says, read only once a key has verified it; raises UnusableSignature.
    keyless: made with a certificate in place of a key, going by what is stored beside it.
    """

    content: bytes
    values: tuple[bytes, ...]
    claims: Callable[[], list[Claim]]
    keyless: bool = False


def signature_tag(digest: str) -> str:
    """The tag under which cosign up to version 2 stores the signatures of a digest."""
    return f"{digest.replace(':', '-')}.sig"


def is_signature_layer(layer: Descriptor) -> bool:
    """Whether this layer of a manifest is a signature."""
    return layer.media_type == SIMPLE_SIGNING or layer.media_type.startswith(BUNDLES)


def read_simple_signing(payload: bytes, *, layer: Descriptor) -> Signature:
    """The signature of a simple-signing layer, which is an annotation of it; raises UnusableSignature."""
    text = layer.annotations.get(SIGNATURE_ANNOTATION, "")
    if not text:
        raise UnusableSignature(f"lacks the annotation {SIGNATURE_ANNOTATION}")
    keyless = bool(layer.annotations.get(CERTIFICATE_ANNOTATION))
    return Signature(payload, (_base64(text),), lambda: [_payload_claim(payload)], keyless=keyless)


async def read_bundle(content: bytes, *, image: Callable[[], Awaitable[Manifest]]) -> Signature:
    """The signature in a sigstore bundle; raises UnusableSignature.

    image: gets the manifest that the bundle is stored beside, asked only where the bundle signs it as it is.
    """
    bundle = _object(_json(content), "bundle")
    material = _object(bundle.get("verificationMaterial") or {}, "verificationMaterial")
    keyless = any(material.get(member) for member in ("certificate", "x509CertificateChain"))
    if "dsseEnvelope" in bundle:
        return _read_envelope(_object(bundle["dsseEnvelope"], "dsseEnvelope"), keyless=keyless)
    if "messageSignature" not in bundle:
        raise UnusableSignature("is a bundle with neither dsseEnvelope nor messageSignature")
    value = _base64(_object(bundle["messageSignature"], "messageSignature").get("signature"))
    # The digest that the bundle gives for its message counts for nothing: the message is the manifest.
    manifest = await image()
    return Signature(manifest.content, (value,), lambda: [Claim(manifest.digest)], keyless=keyless)


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what the signatures of an envelope are over."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _read_envelope(envelope: dict[str, Any], *, keyless: bool) -> Signature:
    payload_type, signatures = envelope.get("payloadType"), envelope.get("signatures")
    if payload_type != IN_TOTO:
        raise UnusableSignature(f"has a payload of the type {_shown(payload_type)} and not {IN_TOTO}")
    if not isinstance(signatures, list) or not 0 < len(signatures) <= _MOST_SIGNATURES:
        raise UnusableSignature(f"is an envelope without 1 to {_MOST_SIGNATURES} signatures")
    payload = _base64(envelope.get("payload"))
    values = tuple(_base64(_object(entry, "signatures").get("sig")) for entry in signatures)
    return Signature(pae(IN_TOTO, payload), values, lambda: _statement_claims(payload), keyless=keyless)


def _payload_claim(payload: bytes) -> Claim:
    critical = _object(_object(_json(payload), "payload").get("critical"), "critical")
    if critical.get("type") != _SIMPLE_SIGNING_TYPE:
        raise UnusableSignature(f"is of the type {_shown(critical.get('type'))} and not {_SIMPLE_SIGNING_TYPE!r}")
    digest = _object(critical.get("image"), "critical.image").get("docker-manifest-digest")
    name = _object(critical.get("identity"), "critical.identity").get("docker-reference")
    if not isinstance(digest, str) or not isinstance(name, str):
        raise UnusableSignature("names no digest or no docker-reference")
    return Claim(digest, name)


def _statement_claims(payload: bytes) -> list[Claim]:
    statement = _object(_json(payload), "statement")
    kind, predicate, subjects = (statement.get(name) for name in ("_type", "predicateType", "subject"))
    if kind not in _STATEMENTS:
        raise UnusableSignature(f"is a statement of the type {_shown(kind)}")
    if predicate != COSIGN_PREDICATE:
        # An SBOM or a test report speaks of an image, and does not say that it may be used.
        raise UnusableSignature(f"is an attestation of the type {_shown(predicate)} and no signature")
    if not isinstance(subjects, list):
        raise UnusableSignature("is a statement without subjects")
    return [claim for subject in subjects for claim in _subject_claims(_object(subject, "subject"))]


def _subject_claims(subject: dict[str, Any]) -> list[Claim]:
    name, digests = subject.get("name"), _object(subject.get("digest"), "subject.digest")
    found = [f"{algorithm}:{value}" for algorithm, value in digests.items()]
    return [Claim(digest, name if isinstance(name, str) else "") for digest in found if is_digest(digest)]


def _json(content: bytes) -> Any:
    try:
        return load_json(content)
    except (ValueError, RecursionError):
        raise UnusableSignature("is not JSON that can be read") from None


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UnusableSignature(f"has no object where its {name} belongs")
    return value


def _base64(text: Any) -> bytes:
    """Decode base64 in either alphabet, as DSSE allows."""
    usual = text.strip().replace("-", "+").replace("_", "/") if isinstance(text, str) else ""
    try:
        value = base64.b64decode(usual, validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if not value:
        raise UnusableSignature("is not in base64")
    return value


def _shown(value: Any) -> str:
    return repr(value[:_SHOWN]) if isinstance(value, str) else "(not a text)"
