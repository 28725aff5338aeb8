"""What can go wrong while talking to a registry: one tree, raised where the fault happens.

OCIError
├── InvalidReference     the text is no image reference
├── InvalidPlatform      the text is no platform
├── AuthFailed           the registry refused the credentials, or wants some
├── RateLimited          429, with the pause the registry asked for
├── RegistryTimeout      nothing came for too long
├── ConnectionFailed     refused, reset, or not a registry at all
├── NameNotResolved      DNS has no address for the host
├── TLSFailed            no TLS there, or a certificate that does not verify
├── NotFound             no such repository, tag, manifest or blob
├── BlockedDestination   the egress guard refuses the address
├── DigestMismatch       the bytes are not what their digest or size promised
├── Unsupported          the registry or this engine cannot do it
│   └── Refused          the registry calls the request or the content invalid (a 4xx none of the others)
│       └── Incomplete   the registry lacks something that the manifest lists, or has not seen it yet
├── ImmutableTag         the target does not let this tag move
├── QuotaExceeded        the target has no room left
├── PlatformMismatch     no image for any of the wanted platforms
├── SignatureRefused     the signature policy does not let the image in
├── InvalidPolicy        the document is no signature policy
└── RegistryFault        a 5xx, or an answer that makes no sense now
    └── MalformedAnswer  an answer that breaks the specification, and will do so again
"""

from __future__ import annotations

from enum import StrEnum


class Side(StrEnum):
    """Which end of a copy a fault belongs to."""

    SOURCE = "source"
    TARGET = "target"


class Code(StrEnum):
    """The closed list of reasons that database, API, metrics and pages show."""

    AUTH_FAILED = "auth_failed"
    RATE_LIMITED = "rate_limited"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    DNS = "dns"
    TLS = "tls"
    NOT_FOUND = "not_found"
    BLOCKED_SOURCE = "blocked_source"
    DIGEST_MISMATCH = "digest_mismatch"
    UNSUPPORTED = "unsupported"
    IMMUTABLE = "immutable"
    QUOTA = "quota"
    SIGNATURE = "signature"
    ARCH_MISMATCH = "arch_mismatch"
    DECRYPTION = "decryption"
    CANCELLED = "cancelled"
    LOST = "lost"
    INTERNAL = "internal"


class LimitKind(StrEnum):
    """Which limit of a registry a 429 is about."""

    PULLS = "pulls"
    """Pulls of an account or an address, counted over hours, as Docker Hub does."""
    ABUSE = "abuse"
    """Too many requests from one address, whatever the account."""
    SECONDARY = "secondary"
    """GitHub's limit of requests that come too close together."""
    QUOTA = "quota"
    """Requests per minute of a project, as Google counts them."""
    UNKNOWN = "unknown"


class OCIError(Exception):
    """A fault of one registry. `str(error)` is a sentence that a user can act on; it never holds a secret.

    code: one of `Code`. retryable: the same call may succeed later. side: source, target, or None
    while nobody has said. retry_after: seconds the registry asked to wait, or None.
    """

    code: Code = Code.INTERNAL
    retryable: bool = False

    def __init__(self, message: str, *, side: Side | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.side = side
        self.retry_after = retry_after


class InvalidReference(OCIError, ValueError):
    """The text is not `registry[:port]/repository[:tag][@digest]`."""

    code = Code.UNSUPPORTED


class InvalidPlatform(OCIError, ValueError):
    """The text is not `os/architecture[/variant]`, nor an architecture."""

    code = Code.UNSUPPORTED


class AuthFailed(OCIError):
    """401 or 403 after the token dance."""

    code = Code.AUTH_FAILED


class RateLimited(OCIError):
    """429, or a 403 that says so. limit: which limit it is, as far as the answer tells."""

    code = Code.RATE_LIMITED
    retryable = True

    def __init__(
        self,
        message: str,
        *,
        side: Side | None = None,
        retry_after: float | None = None,
        limit: LimitKind = LimitKind.UNKNOWN,
    ) -> None:
        super().__init__(message, side=side, retry_after=retry_after)
        self.limit = limit


class RegistryTimeout(OCIError):
    """Connect, read or the deadline of a tag took too long."""

    code = Code.TIMEOUT
    retryable = True


class ConnectionFailed(OCIError):
    """Refused, reset, closed early."""

    code = Code.CONNECTION
    retryable = True


class NameNotResolved(OCIError):
    """The host has no address."""

    code = Code.DNS
    retryable = True


class TLSFailed(OCIError):
    """The TLS handshake or the verification of the certificate failed."""

    code = Code.TLS


class NotFound(OCIError):
    """404 with NAME_UNKNOWN, MANIFEST_UNKNOWN or BLOB_UNKNOWN, or a bare 404."""

    code = Code.NOT_FOUND


class BlockedDestination(OCIError):
    """The egress guard refuses this host or the address it resolves to."""

    code = Code.BLOCKED_SOURCE


class DigestMismatch(OCIError):
    """Content does not have the digest or size that was promised."""

    code = Code.DIGEST_MISMATCH
    retryable = True


class Unsupported(OCIError):
    """Schema 1, a sparse index the target refuses, deletion that is switched off."""

    code = Code.UNSUPPORTED


class Refused(Unsupported):
    """A 4xx that is none of the others: the registry calls the request or the content invalid."""


class Incomplete(Refused):
    """A manifest is refused with MANIFEST_BLOB_UNKNOWN."""


class ImmutableTag(OCIError):
    """The target's rules forbid to move or delete this tag."""

    code = Code.IMMUTABLE


class QuotaExceeded(OCIError):
    """The target has no room left for this repository."""

    code = Code.QUOTA


class PlatformMismatch(OCIError):
    """The image has nothing for the wanted platforms."""

    code = Code.ARCH_MISMATCH


class SignatureRefused(OCIError):
    """The image has no signature that the policy wants, or the policy rejects it outright."""

    code = Code.SIGNATURE


class InvalidPolicy(OCIError, ValueError):
    """The document is not a policy of containers-policy.json(5), or asks for what cannot be verified here."""

    code = Code.SIGNATURE


class RegistryFault(OCIError):
    """A 5xx, or an answer that makes no sense now and may later."""

    code = Code.INTERNAL
    retryable = True


class MalformedAnswer(RegistryFault):
    """An answer that breaks the specification: no registry, or a broken one."""

    retryable = False


class blame:
    """`with blame(side):` gives the errors from within this side, unless they have one already.

    A class, because it is entered several times for each request, and a generator costs twice as much.
    """

    __slots__ = ("_side",)

    def __init__(self, side: Side) -> None:
        self._side = side

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OCIError):
            error.side = error.side or self._side
