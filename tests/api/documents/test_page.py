"""The page at /api/docs, in a real browser, under the pages' own content security policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect, sync_playwright

from mirrors.models import Mirror, User
from tests.fixtures.tools import program

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def open_docs(live_server: Any, owner: User, mirror: Mirror) -> Iterator[Callable[[], Page]]:
    """`open_docs()`: the page, in the browser of who administers `acme`. It may not break the security policy."""
    client = Client()
    client.force_login(owner)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    complaints: list[str] = []

    # Started last: Playwright occupies the thread's event loop, and Django refuses its database there.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(program("chromium")), args=["--no-sandbox"])
        context = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])

        def open_one() -> Page:
            page = context.new_page()
            page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.goto("/api/docs")
            return page

        yield open_one
        browser.close()
    assert not complaints


def test_a_method_can_be_read_and_tried(open_docs: Callable[[], Page]) -> None:
    page = open_docs()
    expect(page).to_have_title("API · Mirrorfarm")
    expect(page.get_by_text("What you try here is done as")).to_be_visible()
    method = page.locator("#operations-documents-getErrorDescription")
    method.locator(".opblock-summary-control").click()
    method.get_by_role("button", name="Try it out").click()
    method.get_by_placeholder("error_type").fill("not_found")
    method.get_by_role("button", name="Execute").click()
    answer = method.locator(".live-responses-table")
    expect(answer.locator(".response-col_status").last).to_contain_text("200")
    expect(answer).to_contain_text("it does not exist, or nothing is there to be done")
