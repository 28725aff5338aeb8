"""Requests to one registry with its authorization on them, by way of its redirects."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from yarl import URL

from mirrors.oci.endpoint import Endpoint
from mirrors.oci.errors import MalformedAnswer, RegistryFault, Side
from mirrors.oci.remote.auth.authorizer import Authorizer
from mirrors.oci.remote.auth.challenges import parse_challenges
from mirrors.oci.remote.auth.tokens import TokenRequest
from mirrors.oci.remote.http.body import PacedBody
from mirrors.oci.remote.http.exchange import FORM, Answer, Exchange
from mirrors.oci.remote.http.faults import auth_failed
from mirrors.oci.remote.http.reading import Reader
from mirrors.oci.remote.http.retries import Persistence
from mirrors.oci.remote.http.scheme import Home
from mirrors.oci.remote.http.timeouts import Timeouts
from mirrors.oci.remote.http.transport import Transport, host_and_port
from mirrors.oci.remote.limits.concurrency import without_queueing

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SAME_METHOD = frozenset({307, 308})
_MOST_REDIRECTS = 5
_UPLOAD_LASTS = 60.0
"""Seconds that a token must be good for when a large body is sent with it."""
_TOKEN_ANSWERS = (200, 404, 405, 501)


class Requests:
    """Sends what a client asks for. Other hosts than the registry itself never see its credentials."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        side: Side,
        home: Home,
        transport: Transport,
        reader: Reader,
        persistence: Persistence,
        timeouts: Timeouts,
    ) -> None:
        self._endpoint = endpoint
        self._host = endpoint.registry
        self._side = side
        self._home = home
        self._transport = transport
        self._reader = reader
        self._persistently = persistence
        self._timeouts = timeouts
        self._authorizer = Authorizer(
            host=self._host,
            side=side,
            credentials=endpoint.credentials,
            fetch_token=self._fetch_token,
            pause=2 * persistence.first_pause,
        )
        self._uploads_move = False

    async def send(
        self, method: str, path: str | URL, *, scope: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Exchange:
        """The answer to a request, after its redirects; a challenge is answered on the way."""
        if isinstance(path, URL):
            url, own = path, self._home.owns(path)
        else:
            url, own = await self._home.url(path), True
        if method == "GET":
            self._reader.check_pulls(url)
        if body and self._transport.bandwidth is not None:
            await self._transport.bandwidth.pass_through(len(body))
        authorization = await self._authorizer.header(scope) if own else None
        exchange = await self._follow(method, url, headers=_authorized(headers, authorization), body=body)
        for again in (False, True):
            # Neither a challenge of another host is answered, nor one that another host has sent us to: it would be
            # the other host that gets the answer.
            if exchange.status != 401 or not own or not self._home.owns(exchange.url):
                break
            answer = await self._answer(exchange, scope=scope, refused=authorization, again=again)
            if answer is None:
                break
            authorization = answer
            exchange = await self._follow(method, url, headers=_authorized(headers, authorization), body=body)
        return exchange

    async def upload(
        self,
        method: str,
        url: URL,
        *,
        scope: str,
        what: str,
        headers: Mapping[str, str],
        body: PacedBody,
        accept: Collection[int],
    ) -> Answer:
        """Send a body that is there but once. A redirect is followed where it comes before the body has gone.

        After one that came too late, uploads ask first (`Expect: 100-continue`, RFC 9110 section 10.1.1). Not before
        that: it costs a round trip, and some proxies do not know it.
        """
        if self._uploads_move:
            headers = {**headers, "Expect": "100-continue"}
            body.expect_progress_within(self._timeouts.read)
        for _ in range(_MOST_REDIRECTS + 1):
            authorization = None
            if self._home.owns(url):
                authorization = await self._authorizer.header(scope, lasting=_UPLOAD_LASTS)
            exchange = await self._transport.send(
                method,
                url,
                headers=_authorized(headers, authorization),
                body=body,
                read_timeout=self._timeouts.commit,
            )
            try:
                self._reader.hear(exchange)
                if exchange.status == 401:
                    await self._renew_for_next(exchange, scope=scope, what=what, refused=authorization)
                if exchange.status not in _SAME_METHOD or exchange.status in accept:
                    return await self._reader.read(exchange, accept=accept, what=what)
                url = await self._moved(exchange, body=body, what=what)
            finally:
                exchange.close()
        raise self._circle()

    async def _renew_for_next(self, exchange: Exchange, *, scope: str, what: str, refused: str | None) -> None:
        if not self._home.owns(exchange.url):
            return
        # The body is gone. The next attempt, of the whole blob, has a new token.
        await self._answer(exchange, scope=scope, refused=refused, again=False)
        raise RegistryFault(f"{self._host} took back its permission while {what} was sent.", side=self._side)

    async def _moved(self, exchange: Exchange, *, body: PacedBody, what: str) -> URL:
        url = await self._home.joined(exchange.url, exchange.headers.get("Location", ""))
        if not body.touched:
            return url
        self._uploads_move = True
        raise RegistryFault(
            f"{self._host} wants {what} to be sent to {host_and_port(url)}, and said so too late. It is worth trying "
            "again: the next upload asks before it sends.",
            side=self._side,
        )

    async def _answer(self, exchange: Exchange, *, scope: str, refused: str | None, again: bool) -> str | None:
        challenges = parse_challenges(exchange.headers.getall("WWW-Authenticate", ()))
        # Before a token is asked for: the service may be at this host, and all its places taken by those who wait.
        exchange.close()
        if again:
            return await self._authorizer.answer_again(challenges, scope=scope, refused=refused)
        return await self._authorizer.answer(challenges, scope=scope, refused=refused)

    async def _follow(
        self,
        method: str,
        url: URL,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        secret: bool = False,
    ) -> Exchange:
        """secret: the body is for this host alone, such as a form with a password in it."""
        redirects = _REDIRECTS if method in {"GET", "HEAD"} else _SAME_METHOD
        for _ in range(_MOST_REDIRECTS + 1):
            exchange = await self._transport.send(method, url, headers=headers, body=body)
            self._reader.hear(exchange)
            if exchange.status not in redirects or not (location := exchange.headers.get("Location")):
                return exchange
            exchange.close()
            url, previous = await self._home.joined(url, location), url
            if url.origin() != previous.origin():
                if secret:
                    raise MalformedAnswer(
                        f"{host_and_port(previous)} sends the credentials of the {self._side} on to another host, "
                        "which is not done.",
                        side=self._side,
                    )
                headers = {name: value for name, value in headers.items() if name != "Authorization"}
        raise self._circle()

    async def _fetch_token(self, request: TokenRequest) -> Answer:
        if request.has_secret and request.url.scheme == "http" and self._endpoint.verify_tls:
            raise MalformedAnswer(
                f"{self._host} wants its credentials over plain HTTP, which is not done.", side=self._side
            )
        headers = _authorized({"Accept": "application/json"}, request.authorization)
        if request.form is not None:
            headers = {**headers, "Content-Type": FORM}
        method = "GET" if request.form is None else "POST"

        async def attempt() -> Answer:
            exchange = await self._follow(
                method, request.url, headers=headers, body=request.form, secret=request.form is not None
            )
            try:
                refused = {401, 403} if request.form is None else {400, 401, 403}  # 400: invalid_grant of RFC 6749
                if exchange.status in refused:
                    raise auth_failed(self._host, side=self._side, with_credentials=request.has_secret)
                what = f"a token at {host_and_port(request.url)}"
                return await self._reader.read(exchange, accept=_TOKEN_ANSWERS, what=what)
            finally:
                exchange.close()

        # One request for however many wait for it, and some of them may keep places of this host meanwhile.
        with without_queueing():
            return await self._persistently(attempt)

    def _circle(self) -> MalformedAnswer:
        return MalformedAnswer(f"{self._host} redirects in a circle.", side=self._side)


def _authorized(headers: Mapping[str, str], authorization: str | None) -> Mapping[str, str]:
    return {**headers, "Authorization": authorization} if authorization else headers
