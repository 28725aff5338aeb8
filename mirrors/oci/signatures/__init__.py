"""Signature policy: which images may be copied, going by who signed them. See docs/signatures.md.

    policy = SignaturePolicy.parse(text)
    await check_signatures(source, digest, reference="quay.io/prometheus/busybox:latest", policy=policy)

Only `sigstoreSigned` with public keys is verified; keyless signatures, the transparency log and GPG are not.
"""

from mirrors.oci.signatures.check import check_signatures
from mirrors.oci.signatures.policy import SignaturePolicy

__all__ = ["SignaturePolicy", "check_signatures"]
