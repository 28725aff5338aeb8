"""Scopes: which images an entry of a policy is for, the most specific first.

Source: containers-policy.json(5), "docker:", and containers/image docker/policyconfiguration/naming.go.
"""

from __future__ import annotations

from collections.abc import Iterator

from mirrors.oci.errors import InvalidReference
from mirrors.oci.images.names import check_repository_name, is_digest, is_tag
from mirrors.oci.images.reference import Reference, check_registry
from mirrors.oci.signatures.document import refusal


def scopes_of(image: Reference, *, digest: str) -> Iterator[str]:
    """Every scope that an image is in, the most specific first; the last is `""`, the default of all registries.

    A digest names fewer images than a tag, and comes first. `*.example.com` stands for all below example.com, at
    any port; scopes with a port match only that port. Ours: `quay.io:443` is in the scopes of quay.io too, or naming
    the usual port would be the way around them.
    """
    for registry in dict.fromkeys((image.registry, image.registry.removesuffix(":443"))):
        name = f"{registry}/{image.repository}"
        yield f"{name}@{digest}"
        if image.tag:
            yield f"{name}:{image.tag}"
        while name:
            yield name
            name = name.rpartition("/")[0]
    if not image.registry.startswith("["):
        host = image.registry.partition(":")[0]
        while "." in host:
            host = host.partition(".")[2]
            yield f"*.{host}"
    yield ""


def is_within(name: str, prefix: str) -> bool:
    """Whether a repository is the prefix or below it; `a/bc` is not below `a/b`."""
    return name == prefix or name.startswith(f"{prefix}/")


def check_scope(scope: str, *, path: str) -> str:
    """The scope itself; raises InvalidPolicy where no image could ever be in it."""
    if scope.startswith("*."):
        return _check_wildcard(scope, path=path)
    if not scope:
        return scope
    if "://" in scope:
        raise refusal(path, "a scope has no scheme. Begin with the registry, as in quay.io")
    name, at, digest = scope.partition("@")
    if at and not is_digest(digest):
        raise refusal(path, "what follows the @ is no digest. Write sha256: and its 64 hexadecimal digits")
    head, slash, last = name.rpartition("/")
    if slash and not at:
        last, colon, tag = last.partition(":")
        if colon and not is_tag(tag):
            raise refusal(path, f"{tag[:80]!r} is no tag. Correct it, or take it off with its colon")
        name = f"{head}/{last}"
    elif not slash and at:
        raise refusal(path, "the repository is missing before the @. Add it")
    check_prefix(name, path=path)
    return scope


def check_prefix(prefix: str, *, path: str) -> str:
    """`host[:port]`, a namespace or a repository in its expanded form; raises InvalidPolicy for all else."""
    host, slash, repository = prefix.partition("/")
    try:
        expanded = check_registry(host)
        if slash:
            check_repository_name(repository)
        known = Reference.parse(f"{host}/namespace/name").registry
    except InvalidReference as error:
        raise refusal(path, error.message.rstrip(".")) from None
    if known != expanded:
        raise refusal(path, f"{host[:80]!r} is no registry. Write names in full, as in docker.io/library/busybox")
    if expanded != host:
        raise refusal(path, f"no image has this name. Write {expanded} in place of {host[:80]}")
    return prefix


def _check_wildcard(scope: str, *, path: str) -> str:
    host = scope.removeprefix("*.")
    try:
        usual = not set(host) & set("/:@*") and check_registry(host) == host.lower() == host
    except InvalidReference:
        usual = False
    if not usual:
        raise refusal(path, "a wildcard is *. and a host in lower case, without port and path, as in *.example.com")
    return scope
