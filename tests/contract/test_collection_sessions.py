"""The collection without a token: user name and password, minted tokens, the first user; and tags, page by page."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from mirrors.models import AccessToken, Application, Namespace, User
from mirrors.sample.images import small_image, store_image
from mirrors.services.syncs import connections
from tests.contract.collection import Client, ModuleFailed, modules
from tests.contract.collection import accounts as more
from tests.fixtures.domain import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

WANTED = {"description": "Copied", "visibility": "private"}


@pytest.fixture
def session(server: str, organization: Namespace) -> Client:
    """Signed in as who administers `acme`."""
    client = Client(server)
    client.sign_in("owner", PASSWORD)
    return client


def test_a_module_signs_in_works_and_signs_out(session: Client, organization: Namespace) -> None:
    assert modules.repository(session, "acme/new", **WANTED) is True
    session.forget()
    assert modules.repository(session, "acme/new", **WANTED) is False
    assert session.writes == []

    session.sign_out()

    with pytest.raises(ModuleFailed, match="HTTP 401"):
        session.get("user/")


def test_a_wrong_password_is_told(server: str, owner: User) -> None:
    with pytest.raises(ModuleFailed, match=r"You do not have permission to POST /api/v1/signin \(HTTP 403\)"):
        Client(server).sign_in("owner", "not-it")


def test_a_change_without_the_sessions_csrf_token_is_refused(session: Client) -> None:
    session.csrf = ""

    answer = session.send("POST", "/api/v1/organization/", {"name": "fresh"})

    assert answer.status == 403
    assert answer.body["error"] == "CSRF token was invalid or missing."


def test_a_token_is_minted_and_works(session: Client, server: str, organization: Namespace) -> None:
    more.application(session, "acme", "Deployer")
    client_id = Application.objects.get().client_id

    token = more.api_token(session, client_id, scopes=["user:read", "repo:admin", "repo:create"])

    assert modules.repository(Client(server, token=token), "acme/new", **WANTED) is True
    assert AccessToken.objects.get().application.name == "Deployer"
    with pytest.raises(ModuleFailed, match="HTTP 403"):
        Client(server, token=token).get("organization/acme/applications")


def test_the_first_user_is_made_once_and_gets_a_token(server: str, settings: Settings) -> None:
    settings.FEATURE_USER_INITIALIZE = True
    made = more.first_user(Client(server), "ada", password="a-long-password-7Qx", email="ada@example.com")

    assert Client(server, token=made["access_token"]).get("user/")["username"] == "ada"
    with pytest.raises(ModuleFailed, match="Cannot initialize user in a non-empty database"):
        more.first_user(Client(server), "eve", password="a-long-password-7Qx", email="eve@example.com")


@pytest.mark.parametrize("number", [3, 105])
def test_all_tags_are_read_page_by_page(client: Client, app: str, store_dir: Path, number: int) -> None:
    push_tags(number)

    assert sorted(more.tag_names(client, app)) == sorted(f"v{index}" for index in range(number))
    assert len(client.calls) == (2 if number == 3 else 3)


def push_tags(number: int) -> None:
    import asyncio

    from mirrors.oci import StoredRepository

    async def push() -> None:
        repository = StoredRepository(connections.store(), "acme/app")
        for index in range(number):
            await store_image(small_image(0), repository, tag=f"v{index}")

    asyncio.run(push())
