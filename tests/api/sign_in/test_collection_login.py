"""The calls of Quay's Ansible collection over real sockets: login with a session, minting a token, the first user.

Source: plugins/module_utils/api_module.py, quay_api_token and quay_first_user of infra.quay_configuration. urllib,
a cookie jar, and the same headers; redirects are not followed.
"""

from __future__ import annotations

import json
import re
from email.message import Message
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, Request, build_opener

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from mirrors.models import AccessToken, Application, LogEntry, Namespace, User
from mirrors.services.accounts import applications
from tests.fixtures.domain import PASSWORD


class NoRedirects(HTTPRedirectHandler):
    """`follow_redirects=False`: 302 is an HTTPError."""

    def redirect_request(self, *_: Any) -> None:
        """None to follow."""


class Module:
    """The collection's APIModule, as far as it matters here."""

    def __init__(self, host: str, *, follows: bool = False) -> None:
        self.host = host
        self.headers = {"Content-Type": "application/json", "Accept": "application/json"}
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()), *([] if follows else [NoRedirects]))

    def call(self, method: str, path: str, data: Any = None, **headers: str) -> tuple[int, bytes, Message]:
        """Status, body and headers. data: a dict is sent as JSON, text as it is."""
        content = json.dumps(data) if isinstance(data, dict) else data
        sent = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        request = Request(self.host + path, content and content.encode(), sent, method=method)
        try:
            response = self._opener.open(request, timeout=10)
        except HTTPError as error:
            response = error
        return response.status, response.read(), response.headers

    def authenticate(self, username: str, password: str) -> None:
        """GET /csrf_token, POST signin, and the next token in every header from then on."""
        status, body, _ = self.call("GET", "/csrf_token", Accept="*/*")
        assert status == 200
        csrf = json.loads(body)["csrf_token"]
        status, body, headers = self.call(
            "POST", "/api/v1/signin", {"username": username, "password": password}, X_CSRF_Token=csrf
        )
        assert (status, json.loads(body)) == (200, {"success": True})
        self.headers["X-CSRF-Token"] = {name.lower(): value for name, value in headers.items()}["x-next-csrf-token"]


@pytest.fixture
def module(transactional_db: None, live_server: LiveServer) -> Module:
    """A module that has not signed in yet."""
    return Module(live_server.url)


@pytest.fixture
def application(organization: Namespace) -> Application:
    """What tokens are made for."""
    return applications.create_application(organization, {"name": "automation"})


def test_a_module_signs_in_works_and_signs_out(module: Module, owner: User) -> None:
    module.authenticate("owner", PASSWORD)
    status, body, _ = module.call("GET", "/api/v1/user/")
    assert (status, json.loads(body)["username"]) == (200, "owner")
    status, body, _ = module.call("POST", "/api/v1/organization/", {"name": "initech"})
    assert (status, json.loads(body)) == (201, "Created")
    assert module.call("PUT", "/api/v1/organization/initech/robots/builder")[0] == 201
    assert module.call("DELETE", "/api/v1/organization/initech/robots/builder")[0] == 204
    assert module.call("POST", "/api/v1/signout")[0] == 200
    assert module.call("GET", "/api/v1/user/")[0] == 401


def test_an_older_module_finds_the_csrf_token_on_the_first_page(module: Module, owner: User) -> None:
    module = Module(module.host, follows=True)
    status, page, _ = module.call("GET", "/", Accept="*/*")
    found = re.search(r"window.__token\s*=\s*'(.*?)';", page.decode())
    assert (status, bool(found)) == (200, True)
    login = {"username": "owner", "password": PASSWORD}
    assert module.call("POST", "/api/v1/signin", login, X_CSRF_Token=found[1] if found else "")[0] == 200


def test_a_wrong_password_is_a_403(module: Module, owner: User) -> None:
    csrf = json.loads(module.call("GET", "/csrf_token", Accept="*/*")[1])["csrf_token"]
    login = {"username": "owner", "password": "wrong"}
    status, body, headers = module.call("POST", "/api/v1/signin", login, X_CSRF_Token=csrf)
    assert (status, json.loads(body)["invalidCredentials"]) == (403, True)
    assert headers["X-Next-CSRF-Token"] is None


def test_a_module_makes_a_token_with_the_session_and_no_csrf_header(module: Module, application: Application) -> None:
    module.authenticate("owner", PASSWORD)
    csrf = module.headers.pop("X-CSRF-Token")  # quay_api_token sends it in the form alone
    form = {
        "client_id": application.client_id,
        "redirect_uri": f"{module.host}/oauth/localapp",
        "scope": "repo:read org:admin user:read",
        "_csrf_token": csrf,
    }
    status, _, headers = module.call(
        "POST",
        "/oauth/authorizeapp",
        urlencode(form),
        Accept="*/*",
        Content_Type="application/x-www-form-urlencoded",
    )
    assert status == 302
    found = re.search("access_token=(.*?)&", headers["Location"])
    assert found, headers["Location"]
    assert len(found[1]) >= 40
    holder = Module(module.host)
    holder.headers["Authorization"] = f"Bearer {found[1]}"
    assert json.loads(holder.call("GET", "/api/v1/user/")[1])["username"] == "owner"
    assert holder.call("GET", "/api/v1/organization/acme/applications")[0] == 200
    assert found[1] not in str(list(AccessToken.objects.values()) + list(LogEntry.objects.values()))


def test_a_module_makes_the_first_user_without_any_credentials(module: Module, settings: Settings) -> None:
    settings.FEATURE_USER_INITIALIZE = True
    new = {"username": "admin", "password": "vs9mrD55NPq", "email": "admin@example.com", "access_token": True}
    status, body, _ = module.call("POST", "/api/v1/user/initialize", new)
    made = json.loads(body)
    assert status == 200, made
    assert {"username", "email", "encrypted_password", "access_token"} == set(made)
    module.headers["Authorization"] = f"Bearer {made['access_token']}"
    assert module.call("POST", "/api/v1/organization/", {"name": "initech"})[0] == 201
    status, body, _ = module.call("POST", "/api/v1/user/initialize", new)
    assert (status, json.loads(body)["message"]) == (400, "Cannot initialize user in a non-empty database")
