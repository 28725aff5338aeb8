"""The copy engine: moves images between registries, byte for byte. Knows no Django and no Celery.

    from mirrors.oci import Endpoint, Reference, RegistryClient, RemoteRepository, Side, copy_tags, run

    async def mirror() -> None:
        source = Reference.parse_location("quay.io/prometheus/busybox")
        target = Reference.parse_location("registry.example.com/mirror/busybox")
        async with (
            RegistryClient(Endpoint(source.registry), side=Side.SOURCE) as there,
            RegistryClient(Endpoint(target.registry), side=Side.TARGET) as here,
        ):
            origin = RemoteRepository(there, source.repository)
            tags = await origin.list_tags()
            for outcome in await copy_tags(origin, RemoteRepository(here, target.repository), tags):
                print(outcome.tag, outcome.action, outcome.reason)

    run(mirror())

Everything that can go wrong is an OCIError (`errors.py`), with a code, a side, and a sentence for the user.
"""

from mirrors.oci.content import ContentRepository
from mirrors.oci.copying.copy import copy_tags
from mirrors.oci.copying.options import CopyOptions, IndexLimits, IndexMode, KnownTag
from mirrors.oci.copying.places import BlobPlaces
from mirrors.oci.copying.progress import Action, Progress, ReferrerFailure, TagOutcome, TagProgress
from mirrors.oci.endpoint import Credentials, Endpoint
from mirrors.oci.errors import (
    AuthFailed,
    BlockedDestination,
    Code,
    ConnectionFailed,
    DigestMismatch,
    ImmutableTag,
    Incomplete,
    InvalidPlatform,
    InvalidPolicy,
    InvalidReference,
    LimitKind,
    MalformedAnswer,
    NameNotResolved,
    NotFound,
    OCIError,
    PlatformMismatch,
    QuotaExceeded,
    RateLimited,
    Refused,
    RegistryFault,
    RegistryTimeout,
    Side,
    SignatureRefused,
    TLSFailed,
    Unsupported,
)
from mirrors.oci.images.companions import companion_tags
from mirrors.oci.images.manifest import Descriptor, Manifest, Platform
from mirrors.oci.images.platforms import PlatformPattern, parse_platforms
from mirrors.oci.images.reference import Reference
from mirrors.oci.remote.client import RegistryClient
from mirrors.oci.remote.egress.guard import EgressGuard
from mirrors.oci.remote.egress.networks import EgressPolicy
from mirrors.oci.remote.http.timeouts import Timeouts
from mirrors.oci.remote.limits.pauses import LONGEST_PAUSE, PROCESS_PAUSES, HostPauses
from mirrors.oci.remote.limits.rate_limits import RateLimit
from mirrors.oci.remote.pool import ClientPool
from mirrors.oci.remote.repository import RemoteRepository
from mirrors.oci.runtime import background_loop, run, run_in_background
from mirrors.oci.signatures import SignaturePolicy, check_signatures
from mirrors.oci.store.garbage import GarbageReport, collect_garbage
from mirrors.oci.store.repository import Store, StoredRepository

__all__ = [
    "LONGEST_PAUSE",
    "PROCESS_PAUSES",
    "Action",
    "AuthFailed",
    "BlobPlaces",
    "BlockedDestination",
    "ClientPool",
    "Code",
    "ConnectionFailed",
    "ContentRepository",
    "CopyOptions",
    "Credentials",
    "Descriptor",
    "DigestMismatch",
    "EgressGuard",
    "EgressPolicy",
    "Endpoint",
    "GarbageReport",
    "HostPauses",
    "ImmutableTag",
    "Incomplete",
    "IndexLimits",
    "IndexMode",
    "InvalidPlatform",
    "InvalidPolicy",
    "InvalidReference",
    "KnownTag",
    "LimitKind",
    "MalformedAnswer",
    "Manifest",
    "NameNotResolved",
    "NotFound",
    "OCIError",
    "Platform",
    "PlatformMismatch",
    "PlatformPattern",
    "Progress",
    "QuotaExceeded",
    "RateLimit",
    "RateLimited",
    "Reference",
    "ReferrerFailure",
    "Refused",
    "RegistryClient",
    "RegistryFault",
    "RegistryTimeout",
    "RemoteRepository",
    "Side",
    "SignaturePolicy",
    "SignatureRefused",
    "Store",
    "StoredRepository",
    "TLSFailed",
    "TagOutcome",
    "TagProgress",
    "Timeouts",
    "Unsupported",
    "background_loop",
    "check_signatures",
    "collect_garbage",
    "companion_tags",
    "copy_tags",
    "parse_platforms",
    "run",
    "run_in_background",
]
