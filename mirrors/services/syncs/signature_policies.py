"""Which signatures a namespace wants of the images that are mirrored into it."""

from __future__ import annotations

from mirrors.errors import InvalidInput
from mirrors.models import Mirror, Namespace
from mirrors.oci import OCIError, SignaturePolicy


def check_policy(text: str) -> dict[str, object] | None:
    """The policy as it is stored, None for an empty text; raises InvalidInput naming the place of a mistake."""
    if not text.strip():
        return None
    try:
        return SignaturePolicy.parse(text).to_json()
    except OCIError as error:
        raise InvalidInput(error.message, field="signature_policy") from error


def has_policy(namespace: Namespace) -> bool:
    """Whether anybody looks at signatures here."""
    return namespace.signature_policy is not None


def policy_for(mirror: Mirror) -> SignaturePolicy | None:
    """What this mirror's images have to meet before their tags move; None where unsigned images are accepted.

    Without a policy of the namespace everything is accepted, as Quay does.
    """
    document = mirror.repository.namespace.signature_policy
    if document is None or mirror.unsigned_images:
        return None
    return SignaturePolicy.from_json(document)
