"""Rule 14: 429 and 503, told apart by what their bodies say, and waited for as long as they want."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from mirrors.oci import Action, Code, RateLimited, Side, copy_tags
from mirrors.oci.errors import LimitKind
from mirrors.sample.images import small_image
from tests.oci.quirks.conftest import Mirror
from tests.registry import ABUSE, HTML_200, HTML_503, PULL_LIMIT, SECONDARY_LIMIT, FaultyRegistry, StoredTags


def a_date_ago() -> str:
    return format_datetime(datetime.now(UTC) - timedelta(seconds=9), usegmt=True)


@pytest.mark.parametrize("value", ["0", a_date_ago(), "1.889377ms", "soon", "-3", "", None])
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("side", ["source", "target"])
async def test_a_pause_is_made_whatever_retry_after_says(
    source_registry: FaultyRegistry,
    target_registry: FaultyRegistry,
    app: StoredTags,
    mirror: Mirror,
    value: str | None,
    status: int,
    side: str,
) -> None:
    app.put(small_image(), tag="v1")
    registry = source_registry if side == "source" else target_registry
    headers = {} if value is None else {"Retry-After": value}
    registry.fail("*", "/v2/", status=status, headers=headers, times=2, after=1)
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason


async def test_a_used_up_pull_limit_is_not_asked_again(
    source_registry: FaultyRegistry, app: StoredTags, mirror: Mirror
) -> None:
    app.put(small_image(), tag="v1")
    source_registry.fail("GET", "/manifests/", **PULL_LIMIT, times=99)
    outcome = await mirror()
    assert isinstance(outcome.error, RateLimited)
    assert (outcome.error.code, outcome.error.limit, outcome.error.side) == (
        Code.RATE_LIMITED,
        LimitKind.PULLS,
        Side.SOURCE,
    )
    assert source_registry.count("GET", "/manifests/") == 1


@pytest.mark.parametrize(
    ("answer", "kind"), [(ABUSE, LimitKind.ABUSE), (SECONDARY_LIMIT, LimitKind.SECONDARY)], ids=["abuse", "secondary"]
)
async def test_a_limit_of_requests_is_waited_for_and_told_as_what_it_is(
    source_registry: FaultyRegistry, app: StoredTags, source, target, answer: dict, kind: LimitKind
) -> None:
    app.put(small_image(), tag="v1")
    answer = {**answer, "headers": {"Retry-After": "0"}}
    source_registry.fail("GET", "/manifests/", **answer, times=2)
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.action is Action.COPIED
    app.put(small_image(2), tag="v1")
    source_registry.fail("GET", "/manifests/", **answer, times=99)
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert isinstance(outcome.error, RateLimited)
    assert outcome.error.limit is kind


@pytest.mark.parametrize("path", ["/manifests/", "/blobs/"])
async def test_a_page_in_html_instead_of_an_answer_is_a_passing_fault(
    source_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, path: str
) -> None:
    app.put(small_image(), tag="v1")
    source_registry.fail("GET", path, **HTML_503, times=2)
    assert (await mirror()).action is Action.COPIED


@pytest.mark.parametrize("path", ["/manifests/", "/blobs/"])
async def test_the_page_of_a_captive_portal_is_not_taken_for_content(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, path: str
) -> None:
    app.put(small_image(), tag="v1")
    source_registry.fail("*", path, **HTML_200, times=99)
    outcome = await mirror()
    assert (outcome.action, outcome.error and outcome.error.side) == (Action.FAILED, Side.SOURCE)
    assert "<" not in outcome.reason
    assert target_registry.repository("mirror/app").blobs == {}


async def test_a_lasting_html_page_is_no_part_of_the_reason(
    source_registry: FaultyRegistry, app: StoredTags, mirror: Mirror
) -> None:
    app.put(small_image(), tag="v1")
    source_registry.fail("*", "/manifests/", **HTML_503, times=99)
    outcome = await mirror()
    assert outcome.action is Action.FAILED
    assert "<" not in outcome.reason
    assert source_registry.address in outcome.reason


async def test_tags_that_wait_for_one_host_do_not_multiply_its_requests(
    source_registry: FaultyRegistry, app: StoredTags, source, target
) -> None:
    for number in range(40):
        app.put(small_image(number), tag=f"v{number}")
    source_registry.fail("GET", "/manifests/v", status=429, headers={"Retry-After": "0"}, times=10)
    outcomes = await copy_tags(source, target, list(app.tags))
    assert {outcome.action for outcome in outcomes} == {Action.COPIED}
    assert source_registry.count("GET", "/manifests/v") == 50


async def test_headers_of_limits_and_warnings_change_nothing(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror
) -> None:
    app.put(small_image(), tag="v1")
    headers = {"Warning": '299 - "Your auth token will expire in 30 seconds."', "ratelimit-remaining": "76;w=21600"}
    source_registry.switches.headers = target_registry.switches.headers = headers
    assert (await mirror()).action is Action.COPIED
    assert (await mirror()).action is Action.UNCHANGED
