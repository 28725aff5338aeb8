"""Finds the signatures that lie beside an image in its repository: under cosign's tag, and among the referrers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from mirrors.oci.content import ContentRepository
from mirrors.oci.errors import DigestMismatch, MalformedAnswer, NotFound, OCIError, Unsupported
from mirrors.oci.images.manifest import Descriptor, Manifest
from mirrors.oci.images.names import is_tag
from mirrors.oci.images.verify import verified
from mirrors.oci.signatures.cosign import (
    BUNDLES,
    SIMPLE_SIGNING,
    Signature,
    UnusableSignature,
    is_signature_layer,
    read_bundle,
    read_simple_signing,
    signature_tag,
)

_LARGEST = 4 * 1024 * 1024
_MOST_LAYERS = 50
_MOST_REFERRERS = 50
_MOST_SIGNATURES = 100
# GHCR lists a bundle by the type of its empty config.
_TYPES = (BUNDLES, "application/vnd.dev.cosign.artifact.sig", "application/vnd.oci.empty")

# These are faults of the one signature: whoever could push it cannot take the others away with it.
_FAULTS = (NotFound, Unsupported, MalformedAnswer, DigestMismatch)


class Finder:
    """Looks up the signatures of one digest, as lazily as they are asked for.

    on_unusable: told, in words that finish the sentence "a signature ...", why one of them is none.
    """

    def __init__(self, repository: ContentRepository, digest: str, *, on_unusable: Callable[[str], object]) -> None:
        self._repository = repository
        self._digest = digest
        self._on_unusable = on_unusable

    async def signatures(self) -> AsyncGenerator[Signature]:
        """All that can be read. Those under the tag come first, because they cost the fewest requests."""
        seen = 0
        async with aclosing(self._manifests()) as manifests:
            async for manifest in manifests:
                for layer in self._layers(manifest):
                    if seen == _MOST_SIGNATURES:
                        self._on_unusable(f"is not among the first {_MOST_SIGNATURES} of the image")
                        return
                    seen += 1
                    try:
                        yield await self._read(layer)
                    except UnusableSignature as error:
                        self._on_unusable(str(error))
                    except _FAULTS as error:
                        self._report(error)

    async def _manifests(self) -> AsyncGenerator[Manifest]:
        if is_tag(tag := signature_tag(self._digest)):  # that of a sha512 digest is too long to be one
            try:
                yield await self._repository.fetch_manifest(tag)
            except NotFound:
                pass  # cosign 3 makes no such tag
            except _FAULTS as error:
                self._report(error)
        for referrer in await self._referrers():
            try:
                yield await self._repository.fetch_manifest(referrer.digest)
            except _FAULTS as error:
                self._report(error)

    async def _referrers(self) -> list[Descriptor]:
        try:
            listed = await self._repository.list_referrers(self._digest)
        except _FAULTS as error:
            self._report(error)
            return []
        found = [each for each in listed if not each.artifact_type or each.artifact_type.startswith(_TYPES)]
        if len(found) > _MOST_REFERRERS:
            self._on_unusable(f"is not among the first {_MOST_REFERRERS} referrers of the image")
        return found[:_MOST_REFERRERS]

    def _layers(self, manifest: Manifest) -> list[Descriptor]:
        try:
            layers = [layer for layer in manifest.blobs() if is_signature_layer(layer)]
        except _FAULTS as error:
            self._report(error)
            return []
        if len(layers) > _MOST_LAYERS:
            self._on_unusable(f"is not among the first {_MOST_LAYERS} of its manifest")
        return layers[:_MOST_LAYERS]

    async def _read(self, layer: Descriptor) -> Signature:
        if layer.size > _LARGEST:
            raise UnusableSignature(f"is larger than {_LARGEST >> 20} MiB")
        content = bytearray()
        async with (
            aclosing(self._repository.open_blob(layer)) as chunks,
            aclosing(verified(chunks, descriptor=layer)) as checked,
        ):
            async for chunk in checked:
                content += chunk
        if layer.media_type == SIMPLE_SIGNING:
            return read_simple_signing(bytes(content), layer=layer)
        return await read_bundle(bytes(content), image=lambda: self._repository.fetch_manifest(self._digest))

    def _report(self, error: OCIError) -> None:
        self._on_unusable(f"cannot be read ({error.message})")
