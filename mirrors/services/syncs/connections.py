"""From configuration to the engine: where a mirror reads, where it writes, and what it may reach."""

from __future__ import annotations

import atexit
import ipaddress
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Exists, OuterRef

from mirrors.models import Mirror, MirroredTag, Registry, Repository
from mirrors.oci import (
    ClientPool,
    ContentRepository,
    Credentials,
    EgressGuard,
    EgressPolicy,
    Endpoint,
    IndexLimits,
    Reference,
    RegistryClient,
    RemoteRepository,
    Side,
    Store,
    StoredRepository,
    Timeouts,
    background_loop,
    run_in_background,
)
from mirrors.registries import profile_of
from mirrors.sample.address import announced

SIBLINGS = 64  # a layer is asked of one alone: of that which was seen to have it, or of one by a guess
CLIENTS = ClientPool(background_loop)
"""What this process keeps of one sync for the next: connections, tokens, and what registries were found to be like."""


@dataclass(frozen=True)
class Location:
    """A repository at an endpoint; `endpoint` None is the built-in store. Holds no models, so threads may share it."""

    endpoint: Endpoint | None
    repository: str

    @property
    def host(self) -> str:
        """`host[:port]`; of the built-in store the one that clients use."""
        return self.endpoint.api_host if self.endpoint else urlsplit(settings.PUBLIC_URL).netloc

    def is_same_place(self, other: Location) -> bool:
        """Whether both name the same repository of the same registry."""
        return (_plain_host(self.host), self.repository) == (_plain_host(other.host), other.repository)


def _plain_host(host: str) -> str:
    # The ports that are meant where none is named: `quay.io:443` is quay.io.
    return host.lower().removesuffix(":443").removesuffix(":80")


def store() -> Store:
    """The built-in store."""
    return Store(settings.STORE_DIR)


def guard(*, trusted: Endpoint | None = None) -> EgressGuard:
    """Where connections may go. trusted: an endpoint that an administrator set up, reached at its own host and port.

    Where that one redirects to, takes its tokens from or keeps its content is another address, and passes as any does.
    """
    by_settings = EgressGuard(
        policy=EgressPolicy(settings.EGRESS_POLICY),
        allowed_hosts=settings.SSRF_ALLOWED_HOSTS,
        blocked_networks=[ipaddress.ip_network(network) for network in settings.EGRESS_BLOCKED_NETWORKS],
    )
    return by_settings.trusting(*_own_urls(), *(_urls_of(trusted) if trusted else ()))


def _own_urls() -> Iterator[str]:
    """This farm and the demonstration's registry, in the profile where both are this machine."""
    if settings.EMBEDDED:
        yield settings.PUBLIC_URL
        if sample := announced(settings.DATA_DIR):
            yield f"http://{sample}"


def _urls_of(endpoint: Endpoint) -> Iterator[str]:
    yield f"https://{endpoint.api_host}"
    if not endpoint.verify_tls:
        yield f"http://{endpoint.api_host}"
    for proxy in filter(None, (endpoint.http_proxy, endpoint.https_proxy)):
        yield proxy if "://" in proxy else f"http://{proxy}"


def source_of(mirror: Mirror) -> Location:
    """Where the mirror reads. Raises DecryptionFailed when its credentials cannot be decrypted."""
    reference = Reference.parse_location(mirror.source_reference)
    # What an administrator has set for this address holds for whoever reads from it; the accounts are their own.
    known = Registry.objects.filter(address=reference.registry).order_by("pk").first() or Registry()
    endpoint = Endpoint(
        registry=reference.registry,
        credentials=credentials(mirror.source_username, mirror.source_password),
        verify_tls=mirror.wants_tls_verified,
        ca_certificates=known.ca_certificate or None,
        client_certificate=(known.client_certificate or None) if known.lends_client_certificate else None,
        http_proxy=mirror.http_proxy or None,
        https_proxy=mirror.https_proxy or None,
        no_proxy=mirror.no_proxy or None,
        **_limits(known, registry=reference.registry),
    )
    return Location(endpoint, reference.repository)


def target_of(repository: Repository) -> Location:
    """Where the repository's content is kept."""
    registry = repository.namespace.target_registry
    if registry is None:
        return Location(None, repository.full_name)
    return Location(registry_endpoint(registry), _name_at(registry, repository))


def siblings_of(mirror: Mirror) -> list[str]:
    """Repositories at the target that may have the same layers: of this namespace, mirrored from the same registry.

    Those that something was copied to come first, the newest before the others.

    Never of another namespace: that a source names a digest gives no right to another tenant's content.
    """
    namespace = mirror.repository.namespace
    registry = Reference.parse_location(mirror.source_reference).registry
    mirrors = Mirror.objects.filter(repository__namespace=namespace, source_reference__startswith=f"{registry}/")
    has_content = Exists(MirroredTag.objects.filter(mirror=OuterRef("pk")))
    others = mirrors.exclude(pk=mirror.pk).select_related("repository__namespace").order_by(has_content.desc(), "-pk")
    return [_name_at(namespace.target_registry, other.repository) for other in others[:SIBLINGS]]


def _name_at(registry: Registry | None, repository: Repository) -> str:
    prefix = registry.repository_prefix.strip("/") if registry else ""
    return f"{prefix}/{repository.full_name}" if prefix else repository.full_name


def registry_endpoint(registry: Registry) -> Endpoint:
    """How to reach a target registry."""
    return Endpoint(
        registry=registry.address,
        credentials=credentials(registry.username, registry.password),
        verify_tls=registry.verify_tls and settings.REPO_MIRROR_TLS_VERIFY,
        ca_certificates=registry.ca_certificate or None,
        client_certificate=registry.client_certificate or None,
        http_proxy=registry.http_proxy or None,
        https_proxy=registry.https_proxy or None,
        no_proxy=registry.no_proxy or None,
        **_limits(registry, registry=registry.address),
    )


def _limits(known: Registry, *, registry: str) -> dict[str, Any]:
    """How much to ask of an address at a time, and what its product is."""
    return {
        "max_connections": known.max_connections or settings.CONNECTIONS_PER_REGISTRY,
        "bandwidth": known.bandwidth,
        "profile": profile_of(registry, kind=known.kind),
        "largest_answer": max(IndexLimits().bytes, settings.REPO_MIRROR_MAX_MANIFEST_LIST_SIZE),
    }


def timeouts() -> Timeouts:
    """How long to wait for a registry."""
    return Timeouts(connect=settings.CONNECT_SECONDS, read=settings.STALL_SECONDS, commit=settings.COMMIT_SECONDS)


def credentials(username: str | None, password: str | None) -> Credentials | None:
    """Credentials, or None for anonymous access."""
    return Credentials(username, password or "") if username else None


@asynccontextmanager
async def opened(location: Location, *, side: Side) -> AsyncIterator[ContentRepository]:
    """The repository behind a location. Its connections are kept for the next one who may use them, if not for long."""
    endpoint = location.endpoint
    if endpoint is None:
        yield StoredRepository(store(), location.repository)
        return
    # Only targets are set up by administrators; anybody who has a namespace names sources.
    checks, waits = guard(trusted=endpoint if side is Side.TARGET else None), timeouts()
    # Credentials are part of an endpoint: who has others, or is permitted other addresses, shares nothing.
    async with CLIENTS.lent(
        (endpoint, side, checks.rules, waits),
        lambda: RegistryClient(endpoint, side=side, guard=checks, timeouts=waits),
    ) as client:
        yield RemoteRepository(client, location.repository)


@atexit.register
def close_connections() -> None:
    """Close what is kept, as is polite towards registries."""
    if background_loop() is not None:
        run_in_background(CLIENTS.close())
