"""Where a registry is and how to speak to it: address, credentials, TLS, proxies, limits."""

from __future__ import annotations

from dataclasses import dataclass, field

from mirrors.oci.images.reference import DOCKER_HUB
from mirrors.oci.profile import GENERIC, RegistryProfile

_API_HOSTS = {DOCKER_HUB: "registry-1.docker.io"}


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and its password or token. The password is in no repr."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One registry as one user reaches it.

    registry: `host[:port]`. verify_tls: False takes any certificate, and plain HTTP where there is no TLS at all
    (as skopeo does). ca_certificates: PEM text, trusted besides the system's. client_certificate: PEM text of a
    certificate, those between it and its authority, and its private key; shown to the registry's own host alone.
    http_proxy, https_proxy, no_proxy: as in the environment variables of those names; they may hold a password and
    are in no repr.
    max_connections: requests at the same time to any one host at most; how many it bears is found out below that.
    bandwidth: bytes per second of blobs in each direction, together for all who speak to this registry in one process;
    None for no limit.
    profile: which product it is, where that is known.
    largest_answer: bytes at most of a manifest, a page of tags or a token.
    """

    registry: str
    credentials: Credentials | None = None
    verify_tls: bool = True
    ca_certificates: str | None = field(default=None, repr=False)
    client_certificate: str | None = field(default=None, repr=False)
    http_proxy: str | None = field(default=None, repr=False)
    https_proxy: str | None = field(default=None, repr=False)
    no_proxy: str | None = field(default=None, repr=False)
    max_connections: int = 32
    bandwidth: int | None = None
    profile: RegistryProfile = GENERIC
    largest_answer: int = 10 * 1024 * 1024

    @property
    def api_host(self) -> str:
        """`host[:port]` that answers /v2/ for this registry."""
        return _API_HOSTS.get(self.registry, self.registry)
