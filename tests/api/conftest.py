"""An account with an access token, and a client that speaks JSON like the contract's clients."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from mirrors.models import Namespace, User
from mirrors.services.accounts import access_tokens
from tests.api.answers import check_answer
from tests.fixtures.domain import join

ALL_SCOPES = ["repo:admin", "repo:create", "user:admin", "org:admin"]
MIRROR = "/api/v1/repository/acme/app/mirror"

BODY = {
    "is_enabled": True,
    "external_reference": "registry.example.com/team/app",
    "external_registry_username": "reader",
    "external_registry_password": "source-password-8Qx2",
    "sync_start_date": "2020-01-02T06:30:00Z",
    "sync_interval": 3600,
    "robot_username": "acme+mirror",
    "root_rule": {"rule_kind": "tag_glob_csv", "rule_value": ["v1.*", "latest"]},
    "skopeo_timeout_interval": 600,
    "external_registry_config": {
        "verify_tls": True,
        "unsigned_images": False,
        "proxy": {"http_proxy": "http://proxy:3128", "https_proxy": "https://proxy:3129", "no_proxy": "localhost"},
    },
    "architecture_filter": ["amd64", "arm64"],
}


class APIClient:
    """Real requests through Django, CSRF checks on; `token` goes into the Authorization header.

    Every answer is held against the OpenAPI document.
    """

    def __init__(self, token: str | None) -> None:
        self.client = Client(enforce_csrf_checks=True, raise_request_exception=True)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str, **query: Any) -> HttpResponse:
        """GET, with the headers the Ansible collection sends."""
        headers = {**self._headers, "Content-Type": "application/json"}
        return self._checked(self.client.get(path, query, headers=headers))

    def post(self, path: str, body: Any = None) -> HttpResponse:
        """POST this as JSON."""
        return self.send("POST", path, json.dumps(body))

    def put(self, path: str, body: Any = None) -> HttpResponse:
        """PUT this as JSON."""
        return self.send("PUT", path, json.dumps(body))

    def send(
        self,
        method: str,
        path: str,
        data: str | bytes = "",
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> HttpResponse:
        """Anything else."""
        # Django's client sends no Content-Type with an empty body; Quay's clients do.
        headers = self._headers | ({"Content-Type": content_type} if content_type else {}) | (headers or {})
        return self._checked(self.client.generic(method, path, data, content_type=content_type, headers=headers))

    def _checked(self, response: HttpResponse) -> HttpResponse:
        check_answer(response)
        return response


@pytest.fixture
def make_api() -> Callable[..., APIClient]:
    """`make_api(user, scopes=[...])`: a client that calls as this user."""

    def make(user: User, *, scopes: list[str] | None = None) -> APIClient:
        _, text = access_tokens.issue_token(user, name="test", scopes=scopes or ALL_SCOPES)
        return APIClient(text)

    return make


@pytest.fixture
def api(make_api: Callable[..., APIClient], owner: User, organization: Namespace) -> APIClient:
    """Calls as who administers `acme`."""
    return make_api(owner)


@pytest.fixture
def stranger_api(make_api: Callable[..., APIClient], stranger: User) -> APIClient:
    """Calls as who has nothing to do with `acme`."""
    return make_api(stranger)


@pytest.fixture
def member_api(
    make_api: Callable[..., APIClient], make_user: Callable[..., User], organization: Namespace
) -> APIClient:
    """Calls as an ordinary member of `acme`."""
    member = make_user("member")
    join(organization, member, role="member")
    return make_api(member)


@pytest.fixture
def anonymous_api(db: None) -> APIClient:
    """Calls as nobody."""
    return APIClient(None)


@pytest.fixture
def bad_token_api(db: None) -> APIClient:
    """Calls with a token that was never issued."""
    return APIClient("x" * 40)


@pytest.fixture
def mirrored(api: APIClient, repository: object, robot: object) -> APIClient:
    """`api`, after POSTing BODY to `acme/app`."""
    response = api.post(MIRROR, BODY)
    assert response.status_code == 201, response.content
    return api
