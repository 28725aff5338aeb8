"""A live server to which the clients of Quay talk over real connections."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from mirrors.models import Namespace, Repository, Robot, User
from mirrors.services.accounts import access_tokens
from tests.contract.collection import Client
from tests.registry import FaultyRegistry

SCOPES = ["user:read", "user:admin", "org:admin", "repo:admin", "repo:create", "super:user"]


@pytest.fixture
def server(live_server: LiveServer, settings: Settings, rung: list[int]) -> str:
    """The server's address. Workers are not needed: what they are told is in `rung`."""
    settings.PUBLIC_URL = live_server.url
    settings.SSRF_ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
    return live_server.url


@pytest.fixture
def token(server: str, superuser: User, owner: User, organization: Namespace) -> str:
    """An access token of who administers `acme`, with every scope but the superuser's powers."""
    _, text = access_tokens.issue_token(owner, name="contract", scopes=SCOPES[:-1])
    return text


@pytest.fixture
def root_token(server: str, superuser: User) -> str:
    """A superuser's access token with every scope."""
    _, text = access_tokens.issue_token(superuser, name="contract", scopes=SCOPES)
    return text


@pytest.fixture
def client(server: str, token: str) -> Client:
    """The collection's way of talking, with the token of who administers `acme`."""
    return Client(server, token=token)


@pytest.fixture
def root(server: str, root_token: str) -> Client:
    """The same for a superuser."""
    return Client(server, token=root_token)


@pytest.fixture
def empty_organization(owner: User) -> Namespace:
    """The organization `mirrored` without repositories, with the robot `mirrored+puller`."""
    from tests.fixtures.domain import join

    organization = Namespace.objects.create(name="mirrored", kind=Namespace.Kind.ORGANIZATION)
    join(organization, owner, role="admin")
    Robot.objects.create(namespace=organization, name="puller")
    return organization


@pytest.fixture
def source() -> Iterator[FaultyRegistry]:
    """A registry on this machine."""
    with FaultyRegistry() as registry:
        yield registry


@pytest.fixture
def app(repository: Repository, robot: Robot) -> str:
    """`acme/app`, with the robot `acme+mirror`."""
    return repository.full_name
