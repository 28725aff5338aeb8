"""POST …/mirror/verify: real requests to servers that answer as Quay and Harbor do."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from mirrors.api.mirroring.verification import SEATS
from mirrors.models import OrganizationMirror, Robot, User
from mirrors.services.accounts import access_tokens
from mirrors.services.organization_mirrors import organization_verification
from tests.api.conftest import APIClient
from tests.api.organization_mirrors.bodies import BODY, PASSWORD, URL

pytestmark = pytest.mark.django_db
VERIFY = f"{URL}/verify"
USER, ORGANIZATION, PERSON = "/api/v1/user/", "/api/v1/organization/team", "/api/v1/users/team"
PROJECT = "/api/v2.0/projects/team"


@dataclass
class Source:
    """A server that gives each path its status; others are 404. It keeps what it was asked, and with what account."""

    statuses: dict[str, int]
    url: str = ""
    body: bytes = b"{}"
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@contextmanager
def _serving(source: Source) -> Iterator[Source]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            source.asked.append((self.path, self.headers["Authorization"]))
            status = source.statuses.get(self.path, 404)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{source.url}/elsewhere")
            body = source.body if status == 200 else json.dumps({"error": "planted"}).encode()
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    source.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield source
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _verdict(api: APIClient) -> tuple[bool, str]:
    response = api.send("POST", VERIFY, content_type="")
    assert response.status_code == 200
    return response.json()["success"], response.json()["message"]


@pytest.fixture
def set_up(api: APIClient, robot: Robot) -> Any:
    """`set_up(source, external_registry_type="harbor")`: the mirror of `acme` reads there."""

    def make(url: str, **values: Any) -> APIClient:
        response = api.post(URL, BODY | {"external_registry_url": url} | values)
        assert response.status_code == 201, response.content
        return api

    return make


QUAY: dict[str, Any] = {"external_registry_type": "quay"}
QUAY_WITH_TOKEN = QUAY | {"external_registry_username": "$oauthtoken", "external_registry_password": PASSWORD}
HARBOR: dict[str, Any] = {
    "external_registry_type": "harbor",
    "external_registry_username": "robot$reader",
    "external_registry_password": PASSWORD,
}


@pytest.mark.parametrize(
    ("values", "statuses", "expected"),
    [
        (QUAY, {ORGANIZATION: 200}, (True, "Connection successful")),
        (QUAY, {PERSON: 200}, (True, "Connection successful")),
        (QUAY, {}, (False, "Namespace 'team' not found")),
        (QUAY, {ORGANIZATION: 401}, (False, "Authentication failed")),
        (QUAY, {ORGANIZATION: 403}, (False, "Authentication failed")),
        (QUAY, {ORGANIZATION: 500}, (False, "Unexpected response: 500")),
        (QUAY, {ORGANIZATION: 302}, (False, "Unexpected response: 302")),
        (QUAY_WITH_TOKEN, {USER: 200, ORGANIZATION: 200}, (True, "Connection successful")),
        (
            QUAY_WITH_TOKEN,
            {USER: 401, ORGANIZATION: 200},
            (False, "Authentication failed: invalid API token or credentials"),
        ),
        (QUAY_WITH_TOKEN, {USER: 403}, (False, "Authentication failed: insufficient permissions")),
        (QUAY_WITH_TOKEN, {USER: 302}, (False, "Registry returned redirect (302) during auth check")),
        (HARBOR, {PROJECT: 200}, (True, "Connection successful")),
        (HARBOR, {PROJECT: 401}, (False, "Authentication failed")),
        (HARBOR, {PROJECT: 403}, (False, "Access forbidden - check permissions")),
        (HARBOR, {}, (False, "Project 'team' not found")),
        (HARBOR, {PROJECT: 418}, (False, "Unexpected response: 418")),
    ],
)
def test_the_answer_of_the_source_becomes_a_sentence(
    set_up: Any, values: dict[str, Any], statuses: dict[str, int], expected: tuple[bool, str]
) -> None:
    with _serving(Source(statuses)) as source:
        assert _verdict(set_up(source.url, **values)) == expected
        assert all("elsewhere" not in path for path, _ in source.asked)


def test_a_web_server_that_answers_everything_is_no_registry(set_up: Any) -> None:
    with _serving(Source({ORGANIZATION: 200}, body=b"<html>Welcome</html>")) as source:
        success, message = _verdict(set_up(source.url))

    assert not success
    assert "no JSON object" in message


def test_quay_is_asked_with_the_token_and_below_the_path_of_the_address(set_up: Any) -> None:
    with _serving(Source({"/quay" + USER: 200, "/quay" + ORGANIZATION: 200})) as source:
        _verdict(set_up(f"{source.url}/quay/", **QUAY_WITH_TOKEN))

    assert source.asked == [("/quay" + path, f"Bearer {PASSWORD}") for path in (USER, ORGANIZATION)]


def test_harbor_is_asked_with_user_name_and_password(set_up: Any) -> None:
    with _serving(Source({PROJECT: 200})) as source:
        _verdict(set_up(source.url, **HARBOR))

    account = base64.b64encode(f"robot$reader:{PASSWORD}".encode()).decode()
    assert source.asked == [(PROJECT, f"Basic {account}")]


def test_a_name_stays_one_part_of_the_path(set_up: Any) -> None:
    with _serving(Source({})) as source:
        _verdict(set_up(source.url, external_namespace="../user?x#y"))

    assert source.asked[0][0] == "/api/v1/organization/..%2Fuser%3Fx%23y"


def test_a_farm_is_a_source_of_type_quay(set_up: Any, live_server: LiveServer, stranger: User) -> None:
    _, token = access_tokens.issue_token(stranger, name="mirroring", scopes=["user:read", "repo:read"])
    api = set_up(
        live_server.url,
        external_namespace="acme",
        external_registry_username="$oauthtoken",
        external_registry_password=token,
    )

    assert _verdict(api) == (True, "Connection successful")
    api.put(URL, {"external_namespace": "stranger"})
    assert _verdict(api) == (True, "Connection successful")
    api.put(URL, {"external_namespace": "nobody"})
    assert _verdict(api) == (False, "Namespace 'nobody' not found")
    api.put(URL, {"external_registry_password": "x" * 40})
    assert _verdict(api) == (False, "Authentication failed: invalid API token or credentials")


def test_a_source_that_does_not_listen_is_a_failure_and_no_error(set_up: Any) -> None:
    success, message = _verdict(set_up("http://127.0.0.1:9"))

    assert not success
    assert message.startswith("Connection error: 127.0.0.1:9 does not accept connections.")


def test_a_source_without_tls_is_said_to_have_none(set_up: Any) -> None:
    with _serving(Source({})) as source:
        success, message = _verdict(set_up(source.url.replace("http:", "https:")))

    assert not success
    assert message.startswith("SSL error: ")


def test_a_source_that_keeps_silent_is_given_up(set_up: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(organization_verification, "DEADLINE", 0.3)
    asked = threading.Event()

    class Silence(Source):
        @property
        def statuses(self) -> dict[str, int]:  # type: ignore[override]  # asked for when an answer is due
            asked.set()
            time.sleep(1)
            return {}

        @statuses.setter
        def statuses(self, _: object) -> None:
            """Nothing is answered."""

    with _serving(Silence({})) as source:
        assert _verdict(set_up(source.url)) == (False, "Connection timed out")
    assert asked.is_set()


def test_an_address_that_is_not_allowed_any_more_is_not_asked(set_up: Any, settings: Any) -> None:
    api = set_up("http://127.0.0.1:9")
    settings.SSRF_ALLOWED_HOSTS = []

    assert _verdict(api) == (False, "The provided registry URL is not allowed")


def test_credentials_that_cannot_be_decrypted_are_a_failure_and_no_error(set_up: Any) -> None:
    api = set_up("http://127.0.0.1:9")
    OrganizationMirror.objects.update(source_password_ciphertext="broken")

    assert _verdict(api) == (False, "The stored credentials cannot be decrypted. Enter them again.")


def test_a_test_too_many_is_put_off(set_up: Any) -> None:
    api = set_up("http://127.0.0.1:9")
    with SEATS.taken(), SEATS.taken():
        response = api.send("POST", VERIFY)

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "8"
    assert _verdict(api)[0] is False


def test_nobody_without_the_right_has_it_asked(set_up: Any, member_api: APIClient, stranger_api: APIClient) -> None:
    with _serving(Source({})) as source:
        set_up(source.url)
        assert member_api.send("POST", VERIFY).status_code == 403
        assert stranger_api.send("POST", VERIFY).status_code == 403
    assert source.asked == []
