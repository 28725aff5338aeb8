"""/v2/ under the server of production, which sends files by sendfile and does not strip the body of a HEAD itself."""

from __future__ import annotations

import http.client
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from mirrors.oci import Store
from tests.fixtures.processes import BARE, ROOT, Process
from tests.fixtures.waiting import free_port
from tests.registry_api.conftest import LARGE, fill

MAKE_REPOSITORY = """
from mirrors.models import Namespace, Repository
namespace = Namespace.objects.create(name="acme", kind="organization")
Repository.objects.create(namespace=namespace, name="public", visibility="public")
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A web server of the embedded profile on a data folder of its own."""
    data = tmp_path_factory.mktemp("data")
    environment = BARE | {"DATA_DIR": str(data), "BROKER_URL": "redis://127.0.0.1:9/0"}
    for words in (["migrate", "--verbosity=0"], ["shell", "--command", MAKE_REPOSITORY]):
        subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=environment, check=True, capture_output=True
        )
    fill(Store(data / "store", fsync=False), "acme/public", {"1.0": LARGE})
    port = free_port()
    options = ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "4", "--no-control-socket"]
    command = [sys.executable, "-m", "gunicorn", "mirrorfarm.wsgi", *options]
    web = Process("web", command, log=Path(data) / "web.log", environment=environment, port=port)
    web.start()
    yield f"127.0.0.1:{port}"
    web.stop()


def test_one_connection_serves_whole_blobs_parts_and_heads_in_turn(address: str) -> None:
    digest, content = max(LARGE.blobs.items(), key=lambda item: len(item[1]))
    path = f"/v2/acme/public/blobs/{digest}"
    # One connection: a byte too many or too few in any answer would spoil the next one.
    connection = http.client.HTTPConnection(address, timeout=10)
    for _ in range(2):
        for method, headers, expected in (
            ("HEAD", {}, b""),
            ("GET", {"Range": "bytes=1000-1999"}, content[1000:2000]),
            ("GET", {}, content),
            ("HEAD", {"Range": "bytes=1000-1999"}, b""),
            ("GET", {"Range": "bytes=-7"}, content[-7:]),
            ("GET", {"If-None-Match": f'"{digest}"'}, b""),
        ):
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            assert answer.read() == expected
            assert answer.headers["Docker-Content-Digest"] == digest
            if answer.status != 304:
                assert answer.headers["Content-Type"] == "application/octet-stream"
                assert int(answer.headers["Content-Length"]) == (len(expected) if method == "GET" else len(content))
    connection.close()


def test_a_refused_push_does_not_spoil_the_connection(address: str) -> None:
    # A push opens with an empty POST or a manifest. After a body of over 64 KiB that nobody reads, gunicorn hangs up.
    with requests.Session() as session:
        for _ in range(2):
            for method, path, body in (("POST", "blobs/uploads/", b""), ("PUT", "manifests/1.0", b"x" * 10_000)):
                push = session.request(method, f"http://{address}/v2/acme/public/{path}", data=body, timeout=10)
                assert push.status_code == 405
            assert session.get(f"http://{address}/v2/acme/public/tags/list", timeout=10).json()["tags"] == ["1.0"]


def test_a_head_of_the_token_endpoint_has_no_body(address: str) -> None:
    connection = http.client.HTTPConnection(address, timeout=10)
    for _ in range(2):
        connection.request("HEAD", "/v2/auth")
        assert connection.getresponse().read() == b""
        connection.request("GET", "/v2/auth")
        assert b"access_token" in connection.getresponse().read()
    connection.close()
