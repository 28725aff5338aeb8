"""The tags of one repository, page by page, in whatever way its registry pages.

Source: OCI distribution-spec v1.1, "Listing tags".
"""

from __future__ import annotations

import asyncio
import json

from yarl import URL

from mirrors.oci.errors import MalformedAnswer, NotFound, Refused, RegistryFault, RegistryTimeout
from mirrors.oci.images.names import is_tag
from mirrors.oci.remote.client import Answer, RegistryClient
from mirrors.oci.remote.http.links import next_link

_ACCEPT_JSON = {"Accept": "application/json"}
_MOST_PAGES = 10_000
_MOST_TAGS = 500_000
_LISTING_SECONDS = 3600.0


class _PageGone(Exception):
    """A page is not there any more: what its address stood for, often a tag, has been deleted meanwhile."""


class TagList:
    """Reads the list from the registry itself, whatever host and path the links to its pages name."""

    def __init__(self, client: RegistryClient, *, name: str, scope: str) -> None:
        self._client = client
        self._name = name
        self._scope = scope
        self._path = f"/v2/{name}/tags/list"

    async def read(self) -> list[str]:
        """Every tag, sorted; raises NotFound where the repository does not exist."""
        try:
            async with asyncio.timeout(_LISTING_SECONDS):
                return sorted(await self._all_tags())
        except TimeoutError:
            sentence = f"{self._client.host} lists the tags of {self._name} too slowly. Try again later."
            raise RegistryTimeout(sentence, side=self._client.side) from None

    async def _all_tags(self) -> set[str]:
        try:
            return await self._pages()
        except _PageGone:
            pass
        try:
            return await self._pages()
        except _PageGone as error:
            # Not NotFound, which would say that there is no such repository.
            raise RegistryFault(
                f"{self._client.host} loses pages of the tags of {self._name} while they are read. Try again later.",
                side=self._client.side,
            ) from error

    async def _pages(self) -> set[str]:
        tags: set[str] = set()
        answer = await self._first_page()
        tags.update(self._tags_in(answer))
        seen = {self._path}
        while (path := self._next_page(answer)) is not None and path not in seen:
            if len(seen) == _MOST_PAGES or len(tags) > _MOST_TAGS:
                raise MalformedAnswer(
                    f"{self._client.host} sends the tags of {self._name} without end.", side=self._client.side
                )
            seen.add(path)
            try:
                answer = await self._get(path)
            except NotFound as error:
                raise _PageGone from error
            tags.update(self._tags_in(answer))
        return tags

    async def _first_page(self) -> Answer:
        if size := self._client.endpoint.profile.tag_page:
            try:
                return await self._get(f"{self._path}?n={size}")
            except Refused:
                pass  # Some refuse to send as many at a time: Quay with 413, ECR with 400.
        return await self._get(self._path)

    async def _get(self, path: str) -> Answer:
        return await self._client.call(
            "GET", path, scope=self._scope, what=f"repository {self._name}", headers=_ACCEPT_JSON
        )

    def _tags_in(self, answer: Answer) -> list[str]:
        try:
            tags = list(json.loads(answer.content)["tags"] or ())
        except (ValueError, KeyError, TypeError, RecursionError):
            raise MalformedAnswer(
                f"{self._client.host} sent a tag list of {self._name} that cannot be read.", side=self._client.side
            ) from None
        # Nexus lists null, Artifactory digests: neither is a tag.
        return [tag for tag in tags if isinstance(tag, str) and is_tag(tag)]

    def _next_page(self, answer: Answer) -> str | None:
        link = next_link(answer.headers.getall("Link", ()))
        if link is None:
            return None
        try:
            following = answer.url.join(URL(link, encoded=True))
        except ValueError:
            raise MalformedAnswer(
                f"{self._client.host} sent an address of more tags that cannot be read.", side=self._client.side
            ) from None
        if following.raw_path.endswith("/tags/list") and following.raw_query_string:
            # Behind a proxy, Nexus and old Artifactories name a path that is theirs inside.
            return f"{self._path}?{following.raw_query_string}"
        return following.raw_path_qs
