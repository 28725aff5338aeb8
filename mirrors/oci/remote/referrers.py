"""The referrers API of a registry: which manifests name a digest as their subject.

Source: OCI distribution-spec v1.1, "Listing referrers".
"""

from __future__ import annotations

import asyncio

from yarl import URL

from mirrors.oci.errors import (
    AuthFailed,
    BlockedDestination,
    MalformedAnswer,
    NotFound,
    OCIError,
    RegistryFault,
    Unsupported,
)
from mirrors.oci.fallback import referrer_entries
from mirrors.oci.images.manifest import OCI_INDEX, Descriptor, Manifest
from mirrors.oci.images.names import check_digest
from mirrors.oci.remote.client import Answer, RegistryClient
from mirrors.oci.remote.http.links import next_link

_MOST_PAGES = 1000
_MOST_REFERRERS = 10_000
# 404, 405 and 400 from registries, 403 from firewalls before them, redirects to pages where people log in.
_NO_SUCH_API = (NotFound, Unsupported, AuthFailed, MalformedAnswer, BlockedDestination)


class ReferrersAPI:
    """The API as far as one repository's registry has it, which is found out with the first question."""

    def __init__(self, client: RegistryClient, *, name: str, scope: str) -> None:
        self._client = client
        self._name = name
        self._scope = scope
        self._exists: bool | None = None
        self._first_question = asyncio.Lock()

    async def of(self, digest: str) -> list[Descriptor] | None:
        """What refers to this digest, all pages, unfiltered; None where there is no such API."""
        if self._exists is None:
            async with self._first_question:
                if self._exists is None:
                    return await self._ask(digest)
        return await self._ask(digest) if self._exists else None

    async def _ask(self, digest: str) -> list[Descriptor] | None:
        path = f"/v2/{self._name}/referrers/{check_digest(digest)}"
        try:
            found, following = await self._page(path, digest=digest)
        except _NO_SUCH_API:
            # Once it has answered, a refusal is about the one digest.
            self._exists = bool(self._exists)
            return None
        except RegistryFault as error:
            raise RegistryFault(
                f"{self._client.host} fails to list what refers to {digest}. It is worth trying again later. "
                "If it stays so, switch the copying of referrers off.",
                side=self._client.side,
                retry_after=error.retry_after,
            ) from error
        self._exists = True
        seen = {path}
        while following is not None and following not in seen:
            if len(seen) == _MOST_PAGES or len(found) > _MOST_REFERRERS:
                raise self._endless(digest)
            seen.add(following)
            more, following = await self._page(following, digest=digest)
            found |= more
        return list(found.values())

    async def _page(self, path: str, *, digest: str) -> tuple[dict[str, Descriptor], str | None]:
        """The entries of one page by their digest, and the path of the next."""
        what = f"the referrers of {digest} in {self._name}"
        answer = await self._client.call("GET", path, scope=self._scope, what=what, headers={"Accept": OCI_INDEX})
        return {entry.digest: entry for entry in self._entries(answer)}, self._next_page(answer)

    def _entries(self, answer: Answer) -> list[Descriptor]:
        content_type = answer.headers.get("Content-Type", "")
        index = Manifest.received(answer.content, content_type=content_type)
        if index.media_type != OCI_INDEX:
            raise self._unreadable()
        return referrer_entries(index)

    def _next_page(self, answer: Answer) -> str | None:
        link = next_link(answer.headers.getall("Link", ()))
        try:
            # Whatever host the link names, the next page is asked from this registry.
            return answer.url.join(URL(link, encoded=True)).raw_path_qs if link else None
        except ValueError:
            raise self._unreadable() from None

    def _endless(self, digest: str) -> OCIError:
        return Unsupported(
            f"{self._client.host} lists more than {_MOST_REFERRERS} referrers of {digest}. "
            "Leave its tag out, or switch the copying of referrers off.",
            side=self._client.side,
        )

    def _unreadable(self) -> MalformedAnswer:
        return MalformedAnswer(
            f"{self._client.host} sent a list of referrers that cannot be read.", side=self._client.side
        )
