"""References: `registry[:port]/repository[:tag][@digest]`, parsed once at the edge.

The grammar is that of the distribution project (reference/regexp.go), with sentences instead of "invalid format".
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from mirrors.oci.errors import InvalidReference
from mirrors.oci.images.names import check_repository_name, is_digest, is_tag

DOCKER_HUB = "docker.io"
DOCKER_HUB_NAMES = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})

_HOST_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


@dataclass(frozen=True, slots=True)
class Reference:
    """Where an image or a repository is. `str()` gives the full form, which parses to the same reference."""

    registry: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read an image reference as docker does: `ubuntu` is `docker.io/library/ubuntu`. Raises InvalidReference."""
        _refuse_odd_text(text)
        name, _, digest = text.partition("@")
        if "@" in text and not is_digest(digest):
            raise InvalidReference(f"{digest!r} after the @ is no digest. Write sha256: and its 64 hexadecimal digits.")
        name, tag = _split_tag(name)
        registry, repository = _split_registry(name)
        return cls(registry, check_repository_name(repository), tag, digest or None)

    @classmethod
    def parse_location(cls, text: str) -> Reference:
        """Read `registry[:port]/path`: a whole repository, with its registry and without scheme, tag and digest."""
        _refuse_odd_text(text)
        if "@" in text:
            raise InvalidReference(f"{text!r} names one image by its digest. Write only registry/repository.")
        name, tag = _split_tag(text)
        if tag is not None:
            raise InvalidReference(
                f"{text!r} ends with the tag {tag!r}. Write only registry/repository; choose the tags apart."
            )
        first, slash, rest = name.partition("/")
        if not slash or not rest or not _looks_like_registry(first):
            raise InvalidReference(
                f"{text!r} does not begin with a registry. Write it like quay.io/organization/repository."
            )
        registry, repository = _split_registry(name)
        return cls(registry, check_repository_name(repository))

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"


def check_registry(text: str) -> str:
    """`host` or `host:port` in its usual spelling; raises InvalidReference for anything else."""
    host, port = _split_port(text)
    if port is not None and not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise InvalidReference(f"{port!r} is no port. Ports are numbers from 1 to 65535.")
    typed, host = host, _check_host(host)
    if host in DOCKER_HUB_NAMES and port in (None, "443"):
        return DOCKER_HUB
    if port is None and not _looks_like_registry(host):
        return typed  # its capitals are all that tells it from a part of a path
    return host if port is None else f"{host}:{int(port)}"


def _refuse_odd_text(text: str) -> None:
    if not text:
        raise InvalidReference("The reference is empty. Write it like quay.io/organization/repository.")
    if "://" in text:
        raise InvalidReference(f"A reference has no scheme. Leave out {text.partition('://')[0] + '://'!r}.")
    if re.search(r"\s", text):
        raise InvalidReference("The reference has a space in it. Take it out.")
    if "@" in text.partition("/")[0]:
        # The text may hold a password: it is not repeated.
        raise InvalidReference(
            "The reference has a user name before the registry. Give credentials in their own fields."
        )
    odd = re.search(r"[^A-Za-z0-9._:/@\[\]-]", text)
    if odd:
        raise InvalidReference(f"The reference has the character {odd[0]!r}, which none may have.")


def _split_tag(name: str) -> tuple[str, str | None]:
    head, slash, last = name.rpartition("/")
    if not slash and last.startswith("["):
        return name, None
    last, colon, tag = last.partition(":")
    if not colon:
        return name, None
    if not slash and tag.isdigit() and _looks_like_registry(last):
        raise InvalidReference(f"{name!r} is only a registry. Add the repository after a slash.")
    if not is_tag(tag):
        raise InvalidReference(
            f"{tag!r} is no tag. A tag has letters, digits, dots, dashes and underscores, at most 128, "
            "and begins with neither dot nor dash."
        )
    return f"{head}{slash}{last}", tag


def _looks_like_registry(component: str) -> bool:
    # Docker's rule: what could not be a part of a repository path, or says localhost, is a host.
    return component == "localhost" or component != component.lower() or bool(re.search(r"[.:\[]", component))


def _split_registry(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    if slash and _looks_like_registry(first):
        registry, path = check_registry(first), rest
    elif not slash and first.startswith("["):
        raise InvalidReference(f"{name!r} is only a registry. Add the repository after a slash.")
    else:
        registry, path = DOCKER_HUB, name
    if registry == DOCKER_HUB and path and "/" not in path:
        path = f"library/{path}"
    return registry, path


def _split_port(text: str) -> tuple[str, str | None]:
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise InvalidReference(f"{text!r} is no registry. An IPv6 address stands in brackets, like [::1]:5000.")
        return f"[{host}]", rest[1:] if rest else None
    host, colon, port = text.partition(":")
    return host, port if colon else None


def _check_host(host: str) -> str:
    if host.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(host[1:-1])}]"
        except ValueError:
            raise InvalidReference(f"{host!r} is no IPv6 address.") from None
    labels = host.split(".")
    if len(host) > 253 or not all(_HOST_LABEL.fullmatch(label) for label in labels):
        raise InvalidReference(f"{host!r} is no registry. Write a host name or address, with its port if it has one.")
    return host.lower()
