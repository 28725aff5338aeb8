from __future__ import annotations

import os
import socket
import socketserver
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mirrors.oci import Endpoint, Side, TLSFailed
from mirrors.oci.remote.http.tls import tls_context
from tests.oci.certificates import ClientAuthority, certificate_for_loopback, locked_key

TAGS = b'{"name": "library/app", "tags": ["v1"]}'
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


class TLSServer(socketserver.ThreadingTCPServer):
    """Answers every request with a list of tags, or a redirect, and remembers the certificates that clients show.

    It refuses a client as OpenSSL does, and then reads on, so that the refusal is not lost in a reset connection.
    """

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        self.context = context
        self.port: int = self.server_address[1]
        self.shown: list[bytes | None] = []
        self.location = ""

    def finish_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        connection = self.context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        try:
            connection.do_handshake()
        except ssl.SSLError:
            raw = socket.socket(fileno=connection.detach())
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(4096):
                pass
            return
        with connection:
            self.shown.append(connection.getpeercert(binary_form=True))
            connection.recv(65536)
            connection.sendall(self._answer())

    def _answer(self) -> bytes:
        status = f"307 Elsewhere\r\nLocation: {self.location}" if self.location else "200 OK"
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(TAGS)}\r\n"
        return f"{head}Connection: close\r\n\r\n".encode() + TAGS


@pytest.fixture
def serve() -> Iterator[Callable[[ssl.SSLContext], TLSServer]]:
    """A TLSServer with this context, in a thread."""
    started: list[TLSServer] = []

    def start(context: ssl.SSLContext) -> TLSServer:
        server = TLSServer(context)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.fixture
def authority() -> ClientAuthority:
    """The one whose clients the server takes."""
    return ClientAuthority()


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_client_certificate_is_shown_to_a_registry_that_wants_one(
    version: ssl.TLSVersion, tmp_path: Path, serve, authority: ClientAuthority, open_repository
) -> None:
    context, certificate = certificate_for_loopback(tmp_path)
    context.maximum_version = version
    server = serve(authority.require(context))
    pem = "".join(authority.certificate())
    repository = await open_repository(
        f"127.0.0.1:{server.port}", verify_tls=True, ca_certificates=certificate.read_text(), client_certificate=pem
    )
    assert await repository.list_tags() == ["v1"]
    assert ssl.DER_cert_to_PEM_cert(server.shown[0]) in pem
    assert "PRIVATE" not in repr(repository._client.endpoint)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("shown", "sentence"),
    [
        (None, "wants a client certificate|Check the TLS settings of the source"),
        ("expired", r"The client certificate of the source has expired, says 127\.0\.0\.1:\d+\. Give the source a new"),
        ("of another authority", r"wants another client certificate .* an authority that 127\.0\.0\.1:\d+ knows"),
    ],
)
async def test_a_client_certificate_that_is_refused_is_told_at_once(
    version: ssl.TLSVersion, shown: str | None, sentence: str, tmp_path: Path, serve, authority, open_repository
) -> None:
    context, certificate = certificate_for_loopback(tmp_path)
    context.maximum_version = version
    server = serve(authority.require(context))
    pem = {
        None: None,
        "expired": "".join(authority.certificate(expired=True)),
        "of another authority": "".join(ClientAuthority().certificate()),
    }[shown]
    repository = await open_repository(
        f"127.0.0.1:{server.port}", verify_tls=True, ca_certificates=certificate.read_text(), client_certificate=pem
    )
    with pytest.raises(TLSFailed, match=sentence):
        await repository.list_tags()
    assert server.shown == []


@pytest.mark.parametrize("make", ["nonsense", "no key", "locked key", "another key", "\ud800"])
async def test_a_client_certificate_that_cannot_be_used_is_told_without_repeating_it(
    make: str, authority: ClientAuthority, open_repository
) -> None:
    certificate, key = authority.certificate()
    pem = {
        "no key": certificate,
        "locked key": certificate + locked_key(b"planted"),
        "another key": certificate + authority.certificate()[1],
    }.get(make, make)
    sentence = "does not belong to the key" if make == "another key" else "in one text in PEM format"
    with pytest.raises(TLSFailed, match=f"client certificate of the source .*{sentence}") as caught:
        await open_repository("127.0.0.1:1", client_certificate=pem)
    told = f"{caught.value!r} {caught.value.__cause__!r}"
    assert key[30:60] not in told
    assert certificate[30:60] not in told


async def test_another_host_is_not_shown_the_client_certificate(
    tmp_path: Path, serve, authority: ClientAuthority, open_repository
) -> None:
    own_context, _ = certificate_for_loopback(tmp_path)
    other_context, _ = certificate_for_loopback(tmp_path, name="localhost")
    authority.require(other_context).verify_mode = ssl.CERT_OPTIONAL
    own, other = serve(authority.require(own_context)), serve(other_context)
    own.location = f"https://localhost:{other.port}/v2/library/app/tags/list"
    repository = await open_repository(f"127.0.0.1:{own.port}", client_certificate="".join(authority.certificate()))
    assert await repository.list_tags() == ["v1"]
    assert None not in own.shown
    assert other.shown == [None]


@pytest.mark.parametrize("in_memory", [True, False])
def test_no_file_with_the_key_is_left_behind(
    in_memory: bool, tmp_path: Path, authority: ClientAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    if not in_memory:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    certificate, key = authority.certificate()
    own = Endpoint("127.0.0.1:1", client_certificate=certificate + key)
    keyless = Endpoint("127.0.0.1:1", client_certificate=certificate)
    open_before = len(list(Path("/proc/self/fd").glob("*")))

    tls_context(own, side=Side.SOURCE, with_client_certificate=True)
    with pytest.raises(TLSFailed):
        tls_context(keyless, side=Side.SOURCE, with_client_certificate=True)

    assert list(tmp_path.iterdir()) == []
    assert len(list(Path("/proc/self/fd").glob("*"))) == open_before
