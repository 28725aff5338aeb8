"""A person at a real browser, before a real farm: sign in, create a mirror, Sync Now, watch it succeed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from mirrors.sample.images import image_of_size, small_image
from tests.fixtures.farms import ADMIN_PASSWORD, Farm, in_profile
from tests.fixtures.links import FAST, Link
from tests.fixtures.registries import DockerRegistry
from tests.fixtures.tools import program

pytestmark = [pytest.mark.browser, pytest.mark.farm, in_profile("embedded")]

OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SLOWLY = 150_000
PATIENCE = 30_000  # ms
_numbers = count(1)


@pytest.fixture
def source(docker_registry: DockerRegistry, make_link: Callable[[str], Link]) -> Link:
    """A slow line to the repository `watched/app`: one big tag, two small ones."""
    if "big" not in docker_registry.tags("watched/app"):
        big = image_of_size(1_000_000, layers=1, seed=7)
        docker_registry.push("watched/app", {"big": big, "v1": small_image(71), "v2": small_image(72)})
    link = make_link(docker_registry.address)
    link.bytes_per_second = SLOWLY
    return link


@pytest.fixture
def browser(source: Link) -> Iterator[Browser]:
    """Chromium without a window. Started last: Playwright occupies the thread's event loop until it is stopped."""
    chromium = program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, farm: Farm) -> Iterator[Callable[..., Page]]:
    """`open_page(java_script_enabled=False)`: a fresh visitor of the farm. No page may break the security policy."""
    complaints: list[str] = []

    def open_one(**options: bool) -> Page:
        page = browser.new_context(base_url=farm.public_url, **options).new_page()
        page.on(
            "console", lambda message: complaints.append(message.text) if "Security Policy" in message.text else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_one
    assert not complaints


def sign_in(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(ADMIN_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Repositories", exact=True)).to_be_visible()


def create_repository(page: Page) -> str:
    name = f"watched-{next(_numbers)}"
    page.get_by_role("link", name="Create repository").first.click()
    page.get_by_test_id("repository-name-input").fill(name)
    page.get_by_test_id("create-repository-submit-btn").click()
    expect(page.get_by_test_id("repo-title")).to_have_text(f"admin/{name}")
    return name


def fill_in_mirror(page: Page, source: Link) -> None:
    """A mirror whose schedule starts tomorrow, so that nothing but Sync Now starts a sync."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    page.get_by_test_id("registry-location-input").fill(f"{source.address}/watched/app")
    page.get_by_test_id("tags-input").fill("big, v*")
    page.get_by_label("Sync start date").fill(f"{tomorrow:%Y-%m-%d}")
    page.get_by_label("Sync start time").fill("03:00")
    page.get_by_test_id("verify-tls-checkbox").uncheck()
    robots = page.get_by_test_id("robot-user-select")
    if robots.locator("option").count() > 1:
        robots.select_option(label="admin+watcher")
    else:
        page.get_by_test_id("robot-wizard-form-name").fill("watcher")
    page.get_by_test_id("submit-button").click()
    # Until the next page is there, what a test does would still happen on this one.
    expect(page.get_by_text("Mirror configuration saved successfully")).to_be_visible()


def state(page: Page) -> str:
    return page.get_by_test_id("mirror-status-display").locator(".pf-v6-c-label").first.inner_text()


def test_sign_in_create_a_mirror_sync_now_and_watch_it_succeed(open_page: Callable[..., Page], source: Link) -> None:
    page = open_page()
    sign_in(page)
    create_repository(page)
    expect(page.get_by_text("Successfully created repository")).to_be_visible()
    fill_in_mirror(page, source)
    expect(page.get_by_test_id("submit-button")).to_have_text("Update Mirror")
    status = page.get_by_test_id("mirror-status-display")
    expect(status).to_contain_text("Scheduled")

    page.evaluate("window.sameDocument = true")
    page.get_by_test_id("tags-input").fill("typed and not saved")
    page.get_by_test_id("sync-now-button").click()
    expect(page.get_by_text("Sync scheduled successfully")).to_be_visible()
    expect(status).to_contain_text("Syncing", timeout=PATIENCE)
    expect(page.get_by_test_id("sync-progress")).to_contain_text(re.compile(r"\d of 3 tags · .*B/s"), timeout=PATIENCE)
    tags = page.get_by_test_id("sync-tags-table")
    expect(tags).to_contain_text("v2", timeout=PATIENCE)
    assert state(page) == "Syncing", "the small tags are shown while the big one is under way"
    in_flight = page.get_by_test_id("tag-in-flight")
    expect(in_flight).to_contain_text(re.compile(r"big.*Copying.*\d+.* of .*MB", re.DOTALL), timeout=PATIENCE)
    expect(page.get_by_test_id("sync-now-button")).to_be_disabled()

    source.bytes_per_second = FAST
    expect(status).to_contain_text("Succeeded", timeout=PATIENCE)
    expect(in_flight).to_have_count(0)
    for tag in ("big", "v1", "v2"):
        expect(tags.get_by_role("row").filter(has_text=tag)).to_contain_text("Copied")
    expect(page.get_by_test_id("sync-history-table").locator("tbody tr")).to_have_count(1)
    assert page.evaluate("window.sameDocument"), "the page was loaded again"
    expect(page.get_by_test_id("tags-input")).to_have_value("typed and not saved")


def test_cancel_stops_a_running_sync(open_page: Callable[..., Page], source: Link) -> None:
    page = open_page()
    sign_in(page)
    create_repository(page)
    fill_in_mirror(page, source)
    page.get_by_test_id("sync-now-button").click()
    expect(page.get_by_test_id("sync-progress")).to_contain_text("kB", timeout=PATIENCE)
    page.get_by_test_id("cancel-sync-button").click()
    expect(page.get_by_text("Sync cancelled successfully")).to_be_visible()
    expect(page.get_by_test_id("mirror-status-display")).to_contain_text("Cancelled", timeout=10_000)
    expect(page.get_by_test_id("sync-now-button")).to_be_enabled()


def test_a_button_without_an_answer_says_so(open_page: Callable[..., Page], source: Link) -> None:
    page = open_page()
    sign_in(page)
    create_repository(page)
    fill_in_mirror(page, source)
    page.route("**/mirror/sync-now/**", lambda route: route.fulfill(status=500, body="no"))
    page.get_by_test_id("sync-now-button").click()
    expect(page.get_by_text("The server did not answer as expected.")).to_be_visible()


def test_everything_but_live_updates_works_without_javascript(open_page: Callable[..., Page], source: Link) -> None:
    source.bytes_per_second = FAST
    page = open_page(java_script_enabled=False)
    sign_in(page)
    create_repository(page)
    fill_in_mirror(page, source)
    page.get_by_test_id("mirror-enabled-checkbox").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Mirror disabled successfully")).to_be_visible()
    page.get_by_test_id("sync-now-button").click()
    expect(page.get_by_text("Sync scheduled successfully")).to_be_visible()

    def reloaded() -> str:
        page.reload()
        return state(page)

    for _ in range(60):
        if reloaded() == "Succeeded":
            break
        page.wait_for_timeout(500)
    expect(page.get_by_test_id("mirror-status-display")).to_contain_text("Succeeded")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_architecture_filter_says_what_is_chosen(open_page: Callable[..., Page]) -> None:
    page = open_page()
    sign_in(page)
    create_repository(page)
    toggle, helper = (
        page.get_by_test_id("architecture-filter-toggle"),
        page.get_by_test_id("architecture-filter-helper"),
    )
    expect(toggle).to_have_text(re.compile("All architectures"))
    toggle.click()
    for name in ("amd64", "arm64", "ppc64le", "s390x"):
        expect(page.get_by_test_id(f"architecture-option-{name}")).to_be_visible()
    page.get_by_test_id("architecture-option-amd64").check()
    page.get_by_test_id("architecture-option-s390x").check()
    expect(page.get_by_test_id("architecture-filter-badge")).to_have_text("2")
    expect(helper).to_have_text("Only amd64, s390x architecture(s) will be mirrored.")
    page.get_by_test_id("other-platforms-input").fill("linux/arm/v7,")
    expect(page.get_by_test_id("architecture-filter-badge")).to_have_text("3")
    expect(helper).to_have_text("Only amd64, s390x, linux/arm/v7 will be mirrored.")
    page.get_by_test_id("index-mode-select").select_option("rewritten")
    expect(helper).to_contain_text("will be mirrored. Their indexes are rewritten, so their digests change.")
    page.get_by_test_id("architecture-clear-all").click()
    expect(helper).to_have_text("All architectures of multi-arch images will be mirrored.")


def test_the_theme_and_the_sidebar_obey_the_keyboard(open_page: Callable[..., Page]) -> None:
    page = open_page()
    sign_in(page)
    root = page.locator("html")
    expect(root).not_to_have_class(re.compile("pf-v6-theme-dark"))
    page.get_by_role("button", name="Switch between light and dark").focus()
    page.keyboard.press("Enter")
    expect(root).to_have_class(re.compile("pf-v6-theme-dark"))
    page.reload()
    expect(root).to_have_class(re.compile("pf-v6-theme-dark"))

    page.set_viewport_size({"width": 560, "height": 800})
    link = page.get_by_role("link", name="Repositories", exact=True)
    expect(link).not_to_be_in_viewport()
    page.get_by_role("button", name="Global navigation").focus()
    page.keyboard.press("Enter")
    expect(link).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(link).not_to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the screen"
