"""signedIdentity: whether the name that a signature gives its image is the name the image is wanted by.

Source: containers-policy.json(5), "signedBy", and containers/image signature/policy_reference_match.go, whose
comparison of expanded references this is. `matchDigest` is our own: see docs/signatures.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from mirrors.oci.errors import InvalidReference
from mirrors.oci.images.reference import Reference
from mirrors.oci.signatures.document import read_object, read_text, refusal
from mirrors.oci.signatures.scopes import check_prefix, is_within


class SignedIdentity(Protocol):
    """One of the kinds below. None as the signed name: the signature gives none."""

    kind: ClassVar[str]

    def matches(self, signed: Reference | None, *, image: Reference) -> bool:
        """Whether a signature that names its image so is one for this image."""

    def to_json(self) -> dict[str, str]:
        """The object that gives this identity again."""


@dataclass(frozen=True)
class _Plain:
    kind: ClassVar[str] = ""

    def to_json(self) -> dict[str, str]:
        """Only the type: these have no settings."""
        return {"type": self.kind}


@dataclass(frozen=True)
class MatchRepoDigestOrExact(_Plain):
    """The same repository and tag; of an image wanted by digest, the same repository."""

    kind = "matchRepoDigestOrExact"

    def matches(self, signed: Reference | None, *, image: Reference) -> bool:
        """As the class says; a signature that names no tag and no digest never matches."""
        if signed is None or not (signed.tag or signed.digest):
            return False
        if image.tag:
            return signed == image
        return image.digest is not None and _same_repository(signed, image)


@dataclass(frozen=True)
class MatchExact(_Plain):
    """The same reference to the letter."""

    kind = "matchExact"

    def matches(self, signed: Reference | None, *, image: Reference) -> bool:
        """As the class says; a signature that names no tag and no digest never matches."""
        return signed is not None and bool(signed.tag or signed.digest) and signed == image


@dataclass(frozen=True)
class MatchRepository(_Plain):
    """The same repository, whatever the tag: all that cosign 2 names."""

    kind = "matchRepository"

    def matches(self, signed: Reference | None, *, image: Reference) -> bool:
        """As the class says."""
        return signed is not None and _same_repository(signed, image)


@dataclass(frozen=True)
class MatchDigest(_Plain):
    """Any name or none: that the digest is the signed one is enough, as it is for `cosign verify`."""

    kind = "matchDigest"

    def matches(self, signed: Reference | None, *, image: Reference) -> bool:
        """Always: the digest has been compared already."""
        return True


@dataclass(frozen=True)
class ExactReference:
    """This reference, and no other."""

    kind: ClassVar[str] = "exactReference"
    reference: Reference

    def matches(self, signed: Reference | None, *, image: Reference) -> bool:
        """As the class says."""
        return signed == self.reference

    def to_json(self) -> dict[str, str]:
        """With its dockerReference."""
        return {"type": self.kind, "dockerReference": str(self.reference)}


@dataclass(frozen=True)
class ExactRepository:
    """This repository, whatever the tag."""

    kind: ClassVar[str] = "exactRepository"
    repository: Reference

    def matches(self, signed: Reference | None, *, image: Reference) -> bool:
        """As the class says."""
        return signed is not None and _same_repository(signed, self.repository)

    def to_json(self) -> dict[str, str]:
        """With its dockerRepository."""
        return {"type": self.kind, "dockerRepository": str(self.repository)}


@dataclass(frozen=True)
class RemapIdentity:
    """As matchRepoDigestOrExact, once the prefix of the image's name is replaced by the signed one."""

    kind: ClassVar[str] = "remapIdentity"
    prefix: str
    signed_prefix: str

    def matches(self, signed: Reference | None, *, image: Reference) -> bool:
        """As the class says; an image outside the prefix keeps its name."""
        name = f"{image.registry}/{image.repository}"
        if is_within(name, self.prefix):
            registry, _, repository = (self.signed_prefix + name.removeprefix(self.prefix)).partition("/")
            image = Reference(registry, repository, image.tag, image.digest)
        return MatchRepoDigestOrExact().matches(signed, image=image)

    def to_json(self) -> dict[str, str]:
        """With both prefixes."""
        return {"type": self.kind, "prefix": self.prefix, "signedPrefix": self.signed_prefix}


def _same_repository(one: Reference, other: Reference) -> bool:
    return (one.registry, one.repository) == (other.registry, other.repository)


def _plain(identity: SignedIdentity) -> Callable[[dict[str, Any], str], SignedIdentity]:
    def read(document: dict[str, Any], path: str) -> SignedIdentity:
        read_object(document, path=path, members={"type"})
        return identity

    return read


def _exact_reference(document: dict[str, Any], path: str) -> SignedIdentity:
    read_object(document, path=path, members={"type", "dockerReference"})
    reference = _reference(document, "dockerReference", path=path)
    if not (reference.tag or reference.digest):
        raise refusal(f"{path}.dockerReference", "the tag or digest is missing. Add it, or use exactRepository")
    return ExactReference(reference)


def _exact_repository(document: dict[str, Any], path: str) -> SignedIdentity:
    read_object(document, path=path, members={"type", "dockerRepository"})
    repository = _reference(document, "dockerRepository", path=path)
    if repository.tag or repository.digest:
        raise refusal(f"{path}.dockerRepository", "a repository has no tag and no digest. Take it off")
    return ExactRepository(repository)


def _remap(document: dict[str, Any], path: str) -> SignedIdentity:
    read_object(document, path=path, members={"type", "prefix", "signedPrefix"})
    prefix, signed = (
        check_prefix(read_text(document, name, path=path), path=f"{path}.{name}") for name in ("prefix", "signedPrefix")
    )
    return RemapIdentity(prefix, signed)


def _reference(document: dict[str, Any], name: str, *, path: str) -> Reference:
    text = read_text(document, name, path=path)
    try:
        return Reference.parse(text)
    except InvalidReference as error:
        raise refusal(f"{path}.{name}", error.message.rstrip(".")) from None


_READERS: dict[str, Callable[[dict[str, Any], str], SignedIdentity]] = {
    **{
        identity.kind: _plain(identity)
        for identity in (MatchRepoDigestOrExact(), MatchExact(), MatchRepository(), MatchDigest())
    },
    ExactReference.kind: _exact_reference,
    ExactRepository.kind: _exact_repository,
    RemapIdentity.kind: _remap,
}


def read_identity(value: Any, *, path: str) -> SignedIdentity:
    """Read a signedIdentity object; raises InvalidPolicy."""
    document = read_object(value, path=path)
    kind = read_text(document, "type", path=path)
    if kind not in _READERS:
        raise refusal(f"{path}.type", f"{kind[:80]!r} is no identity. Known are {', '.join(_READERS)}")
    return _READERS[kind](document, path)
