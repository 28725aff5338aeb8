"""Public keys, and whether one of them made a signature.

Source: sigstore's algorithm registry (ECDSA with the curve's own hash, RSA with SHA-256, pure Ed25519) and cosign's
older habit of SHA-256 whatever the curve.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from mirrors.oci.signatures.document import refusal

_CURVE_HASHES: dict[str, hashes.HashAlgorithm] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}
_RSA_HASHES: tuple[hashes.HashAlgorithm, ...] = (hashes.SHA256(), hashes.SHA384(), hashes.SHA512())
_RSA_BITS = range(2048, 8193)

Key = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey


@dataclass(frozen=True)
class PublicKey:
    """An ECDSA (P-256, P-384, P-521), RSA (2048 to 8192 bits) or Ed25519 key. Equal keys are equal, however written."""

    encoded: bytes
    key: Key = field(compare=False)

    @classmethod
    def from_policy(cls, text: str, *, path: str) -> PublicKey:
        """Read a `keyData`: base64 over PEM, as `base64 -w0 cosign.pub` gives it. Raises InvalidPolicy."""
        pem = _pem(text, path=path)
        try:
            key = load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm):
            raise refusal(path, "this is no public key in PEM. Use cosign.pub of cosign generate-key-pair") from None
        if not _is_usable(key):
            raise refusal(
                path, "a key of this kind cannot be used. Use ECDSA on P-256, P-384 or P-521, Ed25519, or RSA of 2048+"
            )
        return cls(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), key)  # type: ignore[arg-type]

    def to_policy(self) -> str:
        """The `keyData` that gives this key again."""
        return base64.b64encode(self.encoded).decode()

    def made(self, signature: bytes, content: bytes) -> bool:
        """Whether this key signed exactly this content."""
        if isinstance(self.key, rsa.RSAPublicKey):
            return _rsa_made(self.key, signature, content)
        if isinstance(self.key, ec.EllipticCurvePublicKey):
            return _ecdsa_made(self.key, signature, content)
        try:
            self.key.verify(signature, content)
        except InvalidSignature:
            return False
        return True


def _pem(text: str, *, path: str) -> bytes:
    if text.lstrip().startswith("-----BEGIN"):
        raise refusal(path, "this is the PEM text itself. Encode it: base64 -w0 cosign.pub")
    try:
        pem = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise refusal(path, "this is not base64. Encode the key's file: base64 -w0 cosign.pub") from None
    if b"PRIVATE KEY-----" in pem:
        raise refusal(
            path, "this is a private key, which belongs nowhere but with who signs. Take it out, use its public key"
        )
    if b"BEGIN CERTIFICATE-----" in pem:
        raise refusal(path, "this is a certificate. Take its key: openssl x509 -pubkey -noout -in FILE | base64 -w0")
    return pem


def _is_usable(key: object) -> bool:
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.curve.name in _CURVE_HASHES
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size in _RSA_BITS
    return isinstance(key, ed25519.Ed25519PublicKey)


def _ecdsa_made(key: ec.EllipticCurvePublicKey, signature: bytes, content: bytes) -> bool:
    for algorithm in {type(known): known for known in (_CURVE_HASHES[key.curve.name], hashes.SHA256())}.values():
        try:
            key.verify(signature, content, ec.ECDSA(algorithm))
        except InvalidSignature:
            continue
        return True
    return False


def _rsa_made(key: rsa.RSAPublicKey, signature: bytes, content: bytes) -> bool:
    for algorithm in _RSA_HASHES:
        pss = padding.PSS(padding.MGF1(algorithm), padding.PSS.AUTO)
        for scheme in (padding.PKCS1v15(), pss):
            try:
                key.verify(signature, content, scheme, algorithm)
            except InvalidSignature:
                continue
            return True
    return False
