"""A signature policy in the words of containers-policy.json(5), and which of its requirements hold for an image.

    {"default": [requirement, ...], "transports": {"docker": {scope: [requirement, ...], ...}}}

A bare list of requirements is a policy too, with that list as its default.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from mirrors.oci.images.reference import Reference
from mirrors.oci.signatures.document import as_text, load_policy, read_list, read_object, read_text, refusal
from mirrors.oci.signatures.identity import MatchRepoDigestOrExact, SignedIdentity, read_identity
from mirrors.oci.signatures.scopes import check_scope, scopes_of

if TYPE_CHECKING:
    from mirrors.oci.signatures.keys import PublicKey

_FILES = "a worker may run where this file is not. Put the key itself into keyData: base64 -w0 FILE"
_KEYLESS = "only signatures made by keys are verified. Take it out, and give the key as keyData"
_UNSUPPORTED = {
    "keyPath": _FILES,
    "keyPaths": _FILES.replace("keyData", "keyDatas"),
    **dict.fromkeys(("fulcio", "pki"), _KEYLESS),
    **dict.fromkeys(
        ("rekorPublicKeyPath", "rekorPublicKeyPaths", "rekorPublicKeyData", "rekorPublicKeyDatas"),
        "entries of the transparency log are not verified. Take it out; the key in keyData is what counts",
    ),
}
_MEMBERS = frozenset({"type", "keyData", "keyDatas", "signedIdentity"})


@dataclass(frozen=True)
class AcceptAnything:
    """insecureAcceptAnything: lets every image in."""

    kind: ClassVar[str] = "insecureAcceptAnything"

    def to_json(self) -> dict[str, Any]:
        """Only the type."""
        return {"type": self.kind}


@dataclass(frozen=True)
class Reject:
    """reject: lets no image in."""

    kind: ClassVar[str] = "reject"

    def to_json(self) -> dict[str, Any]:
        """Only the type."""
        return {"type": self.kind}


@dataclass(frozen=True)
class SigstoreSigned:
    """sigstoreSigned: wants a signature by one of these keys that names the image as the identity says."""

    kind: ClassVar[str] = "sigstoreSigned"
    keys: tuple[PublicKey, ...]
    identity: SignedIdentity = field(default_factory=MatchRepoDigestOrExact)

    def to_json(self) -> dict[str, Any]:
        """With its keys, and its identity where it is not the usual one."""
        texts = [key.to_policy() for key in self.keys]
        document: dict[str, Any] = {"type": self.kind}
        document |= {"keyData": texts[0]} if len(texts) == 1 else {"keyDatas": texts}
        if self.identity != MatchRepoDigestOrExact():
            document["signedIdentity"] = self.identity.to_json()
        return document


Requirement = AcceptAnything | Reject | SigstoreSigned
Requirements = tuple[Requirement, ...]


@dataclass(frozen=True)
class SignaturePolicy:
    """What has to hold for an image, by where it comes from. `default`: for images that no scope is for."""

    default: Requirements
    scopes: dict[str, Requirements] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> SignaturePolicy:
        """Read a policy's JSON text; raises InvalidPolicy with the place in it and what to do."""
        return cls.from_json(load_policy(text))

    @classmethod
    def from_json(cls, document: Any) -> SignaturePolicy:
        """Read a policy's document, or a list of requirements; raises InvalidPolicy."""
        if isinstance(document, list):
            return cls(_read_requirements(document, path="the list"))
        read_object(document, path="the top", members={"default", "transports"})
        if "default" not in document:
            raise refusal("the top", 'the member "default" is missing. Add it, best as [{"type": "reject"}]')
        default = _read_requirements(document["default"], path="default")
        transports = read_object(document.get("transports", {}), path="transports")
        for name in transports:
            if name != "docker":
                where = f"transports[{json.dumps(name[:80])}]"
                raise refusal(where, 'images come only from registries, which are "docker". Take this transport out')
        scopes = read_object(transports.get("docker", {}), path="transports.docker")
        return cls(default, {scope: _read_scope(scope, value) for scope, value in scopes.items()})

    def to_json(self) -> dict[str, Any]:
        """The document that gives this policy again."""
        document: dict[str, Any] = {"default": [requirement.to_json() for requirement in self.default]}
        if self.scopes:
            docker = {scope: [each.to_json() for each in requirements] for scope, requirements in self.scopes.items()}
            document["transports"] = {"docker": docker}
        return document

    def requirements_for(self, image: Reference, *, digest: str) -> Requirements:
        """What has to hold, all of it, for this image: the list of the most specific scope and no other."""
        for scope in scopes_of(image, digest=digest):
            if scope in self.scopes:
                return self.scopes[scope]
        return self.default


def _read_scope(scope: str, value: Any) -> Requirements:
    path = f"transports.docker[{json.dumps(scope[:300])}]"
    check_scope(scope, path=path)
    return _read_requirements(value, path=path)


def _read_requirements(value: Any, *, path: str) -> Requirements:
    return tuple(_read_requirement(entry, path=f"{path}[{n}]") for n, entry in enumerate(read_list(value, path=path)))


def _read_requirement(value: Any, *, path: str) -> Requirement:
    document = read_object(value, path=path)
    kind = read_text(document, "type", path=path)
    if kind == "signedBy":
        raise refusal(
            path, "signatures by GPG keys (signedBy) are not verified. Use sigstoreSigned, and sign with cosign"
        )
    if kind not in _READERS:
        raise refusal(f"{path}.type", f"{kind[:80]!r} is no requirement. Known are {', '.join(_READERS)}")
    return _READERS[kind](document, path)


def _read_accept(document: dict[str, Any], path: str) -> Requirement:
    read_object(document, path=path, members={"type"})
    return AcceptAnything()


def _read_reject(document: dict[str, Any], path: str) -> Requirement:
    read_object(document, path=path, members={"type"})
    return Reject()


def _read_signed(document: dict[str, Any], path: str) -> Requirement:
    for name in document:
        if name in _UNSUPPORTED:
            raise refusal(f"{path}.{name}", _UNSUPPORTED[name])
    read_object(document, path=path, members=_MEMBERS)
    if ("keyData" in document) == ("keyDatas" in document):
        raise refusal(path, "exactly one of keyData and keyDatas belongs here. Give the keys by one of them")
    if "signedIdentity" not in document:
        return SigstoreSigned(_read_keys(document, path=path))
    identity = read_identity(document["signedIdentity"], path=f"{path}.signedIdentity")
    return SigstoreSigned(_read_keys(document, path=path), identity)


def _read_keys(document: dict[str, Any], *, path: str) -> tuple[PublicKey, ...]:
    # Loading cryptography takes 40 ms, which only a copy with a policy has to spend.
    from mirrors.oci.signatures.keys import PublicKey

    if "keyData" in document:
        place = f"{path}.keyData"
        return (PublicKey.from_policy(as_text(document["keyData"], path=place), path=place),)
    place = f"{path}.keyDatas"
    return tuple(
        PublicKey.from_policy(as_text(text, path=f"{place}[{n}]"), path=f"{place}[{n}]")
        for n, text in enumerate(read_list(document["keyDatas"], path=place))
    )


_READERS: dict[str, Callable[[dict[str, Any], str], Requirement]] = {
    AcceptAnything.kind: _read_accept,
    Reject.kind: _read_reject,
    SigstoreSigned.kind: _read_signed,
}
