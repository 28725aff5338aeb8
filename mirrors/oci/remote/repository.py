"""One repository of a remote registry: the distribution API behind the interface of `content.py`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import suppress

from mirrors.oci.content import BlobReader
from mirrors.oci.errors import (
    DigestMismatch,
    NotFound,
    Refused,
    Side,
    Unsupported,
    blame,
)
from mirrors.oci.fallback import fetch_fallback, referrer_entries
from mirrors.oci.images.manifest import MANIFEST_TYPES, Descriptor, Manifest
from mirrors.oci.images.names import check_digest, check_repository_name, check_tag, is_digest
from mirrors.oci.profile import MIB, Deletion
from mirrors.oci.remote.blobs.downloads import download
from mirrors.oci.remote.blobs.foreign import download_foreign
from mirrors.oci.remote.blobs.uploads import Uploads
from mirrors.oci.remote.client import Answer, RegistryClient
from mirrors.oci.remote.limits.rate_limits import RateLimit
from mirrors.oci.remote.referrers import ReferrersAPI
from mirrors.oci.remote.sparse import HEADER as SPARSE_HEADER
from mirrors.oci.remote.sparse import probe_sparse_index
from mirrors.oci.remote.tag_lists import TagList
from mirrors.oci.remote.untag import untag

_USELESS_HEADS = 2
"""After so many in a row that needed a GET, nobody asks for another."""
_ACCEPT_MANIFESTS = {"Accept": ", ".join(MANIFEST_TYPES)}


class RemoteRepository:
    """A repository behind a RegistryClient. Implements ContentRepository."""

    def __init__(self, client: RegistryClient, name: str) -> None:
        self._client = client
        self._name = check_repository_name(name)
        actions = "pull" if client.side is Side.SOURCE else "pull,push"
        self._scope = f"repository:{name}:{actions}"
        # A source is asked for what it has: the first 404 to a HEAD is looked into. From a target it is expected.
        self._trusts_404 = client.side is Side.TARGET
        self._head_works = False
        self._useless_heads = 0
        self._uploads = Uploads(client, name=name, scope=self._scope, has_blob=self.has_blob)
        self._tag_list = TagList(client, name=name, scope=self._scope)
        self._referrers = ReferrersAPI(client, name=name, scope=self._scope)

    @property
    def name(self) -> str:
        """`namespace/name`, without the registry."""
        return self._name

    @property
    def location(self) -> str:
        """`host[:port]` of the registry."""
        return self._client.host

    @property
    def counts_fetches(self) -> bool:
        """Whether the registry counts GETs of manifests as pulls, and HEADs not."""
        return self._client.endpoint.profile.counts_pulls

    @property
    def rate_limit(self) -> RateLimit | None:
        """What the registry last said of its limit of requests; None where it said nothing."""
        return self._client.rate_limit

    async def list_tags(self) -> list[str]:
        """Every tag, sorted; raises NotFound where the repository does not exist."""
        return await self._tag_list.read()

    async def resolve(self, reference: str) -> Descriptor | None:
        """What a tag or digest points at (one HEAD where the registry is any good), or None."""
        answer = None if self._useless_heads >= _USELESS_HEADS else await self._ask_head(reference)
        if answer is not None and answer.status == 404 and self._trusts_404:
            return None
        descriptor = answer and answer.status == 200 and _described(answer)
        if not descriptor:
            return await self._resolve_by_get(reference, missing=answer is not None and answer.status == 404)
        self._trusts_404, self._useless_heads = True, 0
        if is_digest(reference) and descriptor.digest != reference:
            raise self._mismatch(self._called(reference))
        return descriptor

    async def _ask_head(self, reference: str) -> Answer | None:
        path, what = self._manifest_path(reference), self._called(reference)
        try:
            return await self._call("HEAD", path, what=what, headers=_ACCEPT_MANIFESTS, accept=(200, 404))
        except Unsupported:
            return None

    async def _resolve_by_get(self, reference: str, *, missing: bool) -> Descriptor | None:
        """The same by a GET. missing: a HEAD said that it is not there, which some registries say of everything."""
        try:
            found = (await self.fetch_manifest(reference)).descriptor
        except NotFound:
            self._trusts_404 = self._trusts_404 or missing
            return None
        self._useless_heads += 1
        return found

    async def fetch_manifest(self, reference: str) -> Manifest:
        """The manifest behind a tag or digest, verified; raises NotFound."""
        answer = await self._call(
            "GET", self._manifest_path(reference), what=self._called(reference), headers=_ACCEPT_MANIFESTS
        )
        with blame(self._client.side):
            manifest = Manifest.received(
                answer.content,
                content_type=answer.headers.get("Content-Type", ""),
                digest=reference if is_digest(reference) else "",
            )
        promised = answer.headers.get("Docker-Content-Digest", "")
        if is_digest(promised) and promised.startswith(f"{manifest.algorithm}:") and promised != manifest.digest:
            raise self._mismatch(self._called(reference))
        return manifest

    async def list_referrers(self, digest: str, *, fallback: bool = True) -> list[Descriptor]:
        """What refers to this digest; where the registry has no API for it, what the fallback tag lists."""
        listed = await self._referrers.of(digest)
        if listed is None and fallback:
            index = await fetch_fallback(self, digest)
            return referrer_entries(index) if index else []
        return listed or []

    async def push_manifest(self, manifest: Manifest, *, tag: str | None = None, repeatable: bool = True) -> bool:
        """Store the exact bytes under a tag, or under their digest alone; whether OCI-Subject was answered.

        A tag of another digest than sha256 is a parameter of a push by digest, as distribution-spec 1.2 has it, where
        that is understood; elsewhere the tag gets the sha256 digest of the same bytes.
        """
        self._check_size(manifest, called=self._called(tag or manifest.digest))
        if tag and manifest.algorithm != "sha256":
            with suppress(Unsupported):
                answer = await self._put_manifest(manifest, manifest.digest, query=f"?tag={check_tag(tag)}")
                if tag in answer.headers.get("OCI-Tag", "").replace(",", " ").split():
                    return "OCI-Subject" in answer.headers
        answer = await self._put_manifest(manifest, tag or manifest.digest, repeatable=repeatable)
        stored = answer.headers.get("Docker-Content-Digest", "")
        comparable = tag is None or stored.startswith(f"{manifest.algorithm}:")
        if is_digest(stored) and comparable and stored != manifest.digest:
            raise self._mismatch(self._called(tag or manifest.digest))
        return "OCI-Subject" in answer.headers

    def _check_size(self, manifest: Manifest, *, called: str) -> None:
        limit = self._client.endpoint.profile.manifest_limit
        if limit is not None and len(manifest.content) > limit:
            raise Refused(
                f"{self.location} takes manifests of up to {limit // MIB} MiB, and {called} has "
                f"{len(manifest.content) // MIB} MiB. Leave it out.",
                side=self._client.side,
            )

    async def _put_manifest(
        self, manifest: Manifest, reference: str, *, query: str = "", repeatable: bool = True
    ) -> Answer:
        return await self._call(
            "PUT",
            self._manifest_path(reference) + query,
            what=self._called(reference),
            headers={"Content-Type": manifest.media_type},
            body=manifest.content,
            accept=(200, 201, 202, 204),
            repeatable=repeatable,
        )

    async def takes_sparse_index(self, left_out: Descriptor) -> bool:
        """Whether an index is taken while a manifest like this one, which it lists, is not there."""
        root = await self._call("GET", "/v2/", what="its version", accept=(200, 404))
        says = root.headers.get(SPARSE_HEADER, "").lower()
        return says == "true" if says in ("true", "false") else await probe_sparse_index(self, left_out=left_out)

    async def has_blob(self, digest: str) -> bool:
        """Whether the blob is here already; a HEAD."""
        try:
            answer = await self._call("HEAD", self._blob_path(digest), what=f"blob {digest}", accept=(200, 404))
        except Unsupported:
            return False
        return answer.status == 200

    def open_blob(self, descriptor: Descriptor, *, offset: int = 0) -> AsyncGenerator[bytes]:
        """The blob's bytes as they come, unverified, from `offset` on; read on by Range where the connection breaks."""
        path, what = self._blob_path(descriptor.digest), f"blob {descriptor.digest}"
        if descriptor.is_foreign:
            return download_foreign(self._client, descriptor, path=path, scope=self._scope, offset=offset)
        return download(self._client, path, scope=self._scope, what=what, offset=offset)

    async def push_blob(self, descriptor: Descriptor, read: BlobReader, *, mount_from: str | None = None) -> bool:
        """Mount the blob (True) or send it, verified on the way: of a wrong one the last bytes are never sent."""
        return await self._uploads.push(descriptor, read, mount_from=mount_from)

    async def delete_tag(self, tag: str) -> None:
        """Remove one tag and no other; raises Unsupported, with the tag unharmed, where deletion is switched off."""
        deletion = self._client.endpoint.profile.deletion
        if deletion is Deletion.NONE:
            raise Unsupported(
                f"{self.location} deletes no tags over this API. Delete them there, or keep them.",
                side=self._client.side,
            )
        try:
            if deletion is Deletion.TAGS:
                return await self.delete_manifest(tag)
        except (Unsupported, NotFound):
            pass
        # Registries before distribution 3 delete by digest only, and all tags of the digest with it.
        return await untag(self, tag)

    async def delete_manifest(self, reference: str) -> None:
        """DELETE a manifest by tag or digest. By digest it takes every tag of the digest along."""
        await self._call("DELETE", self._manifest_path(reference), what=self._called(reference), accept=(200, 202, 204))

    async def _call(
        self,
        method: str,
        path: str,
        *,
        what: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        accept: Collection[int] = (200,),
        repeatable: bool = True,
    ) -> Answer:
        return await self._client.call(
            method,
            path,
            scope=self._scope,
            what=what,
            headers=headers,
            body=body,
            accept=accept,
            repeatable=repeatable,
        )

    def _manifest_path(self, reference: str) -> str:
        return f"/v2/{self._name}/manifests/{reference if is_digest(reference) else check_tag(reference)}"

    def _blob_path(self, digest: str) -> str:
        return f"/v2/{self._name}/blobs/{check_digest(digest)}"

    def _called(self, reference: str) -> str:
        return f"manifest {reference} of {self._name}" if is_digest(reference) else f"tag {reference} of {self._name}"

    def _mismatch(self, what: str) -> DigestMismatch:
        return DigestMismatch(
            f"{self.location} gave {what} a digest that its bytes do not have. Something between here and there "
            "changes content; nothing was stored.",
            side=self._client.side,
        )


def _described(answer: Answer) -> Descriptor | None:
    digest, length = answer.headers.get("Docker-Content-Digest", ""), answer.headers.get("Content-Length", "0")
    if not is_digest(digest):
        return None
    media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    return Descriptor(media_type, digest, int(length) if length.isdigit() else 0)
