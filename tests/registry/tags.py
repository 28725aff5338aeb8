"""`/v2/` and the tag lists."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from aiohttp import web

from tests.registry.answers import NAME, error, held_in

if TYPE_CHECKING:
    from tests.registry.server import FaultyRegistry


class Tags:
    """The lists, paged in every way that was seen."""

    def __init__(self, registry: FaultyRegistry) -> None:
        self.registry = registry

    def routes(self) -> list[web.RouteDef]:
        """All of them."""
        return [web.get("/v2/", self.version), web.get(f"/v2/{NAME}/tags/list", self.tags)]

    async def version(self, request: web.Request) -> web.Response:
        return web.json_response({})

    async def tags(self, request: web.Request) -> web.Response:
        switches = self.registry.switches
        asked = int(request.query.get("n", 0))
        if switches.largest_page is not None and asked > switches.largest_page:
            return error(switches.page_refusal, "PAGINATION_NUMBER_INVALID")
        if switches.picky_lists and "manifest" in request.headers.get("Accept", ""):
            return error(406, "UNSUPPORTED")
        tags = self._ordered(list(held_in(self.registry, request).tags))
        last, size = request.query.get("last", ""), switches.tag_page_size or asked
        rest = tags[tags.index(last) + 1 :] if last in tags else [tag for tag in tags if tag > last]
        page = rest[: size or None]
        headers = {}
        if size and page and page[-1] != tags[-1]:
            headers["Link"] = f'<{self._next_link(request, page[-1], size=size)}>; rel="next"'
        listed = [*page, None, "", "sha256:" + "0" * 64] if switches.odd_tags else page
        if switches.null_tags and not listed:
            return web.json_response({"name": request.match_info["name"], "tags": None}, headers=headers)
        return web.json_response({"name": request.match_info["name"], "tags": listed}, headers=headers)

    def _ordered(self, tags: list[str]) -> list[str]:
        order = self.registry.switches.tag_order
        if order == "shuffled":
            return sorted(tags, key=lambda tag: random.Random(tag).random())
        return sorted(tags, reverse=order == "reversed")

    def _next_link(self, request: web.Request, last: str, *, size: int) -> str:
        link = self.registry.switches.link
        path = request.path if link != "prefix" else "/repository/inside" + request.path.replace("/v2/", "/v2/docker/")
        path += f"?last={'' if link == 'loop' else last}&n={size}"
        host = request.host.partition(":")[0]
        prefixes = {
            "absolute": f"{self.registry.scheme}://{request.host}",
            "foreign": "http://internal.invalid:1",
            "scheme": f"{'http' if self.registry.scheme == 'https' else 'https'}://{request.host}",
            "port": f"http://{host}:5000",
        }
        return prefixes.get(link, "") + path
