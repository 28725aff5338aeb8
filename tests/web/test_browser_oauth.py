"""A person at a real browser lets an application have a token: on the own page, and at the application's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from mirrors.models import AccessToken, Namespace
from mirrors.services.accounts import applications
from tests.fixtures.domain import PASSWORD
from tests.fixtures.tools import program
from tests.web.test_browser_mirroring import OPTIONS

pytestmark = pytest.mark.browser


class ApplicationPage(BaseHTTPRequestHandler):
    """The application's page, which reads the token of its own address."""

    def do_GET(self) -> None:
        """The page, without any script."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<h1>The application</h1>")

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def application_address() -> Iterator[str]:
    """Where the application answers: on another origin than the farm."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), ApplicationPage)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/back"
    server.shutdown()
    server.server_close()


@pytest.fixture
def authorize(
    transactional_db: None, live_server: LiveServer, organization: Namespace, application_address: str
) -> Callable[[str], str]:
    """`authorize(redirect_uri)`: the address that the application sends people to."""
    made = applications.create_application(organization, {"name": "ci", "redirect_uri": application_address})

    def address(redirect_uri: str) -> str:
        values = {"client_id": made.client_id, "scope": "repo:read user:read", "redirect_uri": redirect_uri}
        return f"{live_server.url}/oauth/authorize?{urlencode(values | {'response_type': 'token'})}"

    return address


def visit(address: str, walk: Callable[[Page], str], *, scripts: bool = True) -> str:
    """What the walk gives, after signing in; no page may break the security policy."""
    complaints: list[str] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(program("chromium")), args=OPTIONS)
        page = chromium.new_context(java_script_enabled=scripts).new_page()
        page.on("console", lambda message: complaints.append(message.text) if "Policy" in message.text else None)
        page.goto(address)
        page.get_by_label("Username").fill("owner")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Allow ci to act for you?")).to_be_visible()
        found = walk(page)
        chromium.close()
    assert not complaints
    return found


def test_the_own_page_shows_the_token_and_takes_it_out_of_the_address(
    authorize: Callable[[str], str], live_server: LiveServer
) -> None:
    def walk(page: Page) -> str:
        page.get_by_role("button", name="Allow", exact=True).click()
        field = page.get_by_label("Access token")
        expect(field).to_be_visible()
        assert page.url == f"{live_server.url}/oauth/localapp"
        return field.input_value()

    text = visit(authorize(f"{live_server.url}/oauth/localapp"), walk)
    assert AccessToken.objects.get().token_hash == AccessToken.hash_of(text)


@pytest.mark.parametrize("scripts", [True, False])
def test_the_application_gets_the_token_in_its_address(
    authorize: Callable[[str], str], application_address: str, scripts: bool
) -> None:
    def walk(page: Page) -> str:
        page.get_by_role("button", name="Allow", exact=True).click()
        expect(page.get_by_role("heading", name="The application")).to_be_visible()
        return page.url

    address = visit(authorize(application_address), walk, scripts=scripts)
    assert address.startswith(f"{application_address}#access_token=")


def test_the_application_learns_that_it_was_not_allowed(
    authorize: Callable[[str], str], application_address: str
) -> None:
    def walk(page: Page) -> str:
        page.get_by_role("button", name="Do not allow").click()
        expect(page.get_by_role("heading", name="The application")).to_be_visible()
        return page.url

    assert visit(authorize(application_address), walk) == f"{application_address}#error=access_denied"
    assert not AccessToken.objects.exists()
