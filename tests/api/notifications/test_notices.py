"""/v1/user/notifications: what the caller was told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mirrors.models import Namespace, User, UserNotification
from tests.api.conftest import APIClient

pytestmark = pytest.mark.django_db
URL = "/api/v1/user/notifications"


@pytest.fixture
def tell(owner: User) -> Callable[..., UserNotification]:
    """`tell(kind="x")`: a notice for the owner, unless another user is named."""

    def make(**values: Any) -> UserNotification:
        defaults = {"user": owner, "kind": "repo_mirror_sync_failed", "metadata": {"repository": "acme/app"}}
        return UserNotification.objects.create(**defaults | values)

    return make


def test_notices_are_listed_newest_first_page_by_page(api: APIClient, tell: Callable[..., UserNotification]) -> None:
    kinds = [tell(kind=f"kind-{number}").kind for number in range(7)]

    first, second = api.get(URL).json(), api.get(URL, page=1).json()

    assert [row["kind"] for row in first["notifications"]] == kinds[:1:-1]
    assert [row["kind"] for row in second["notifications"]] == ["kind-1", "kind-0"]
    assert (first["additional"], second["additional"]) == (True, False)
    assert api.get(URL, limit=7).json()["additional"] is False


def test_a_notice_says_what_it_is_about(
    api: APIClient, tell: Callable[..., UserNotification], organization: Namespace
) -> None:
    notice = tell(namespace=organization)

    assert api.get(f"{URL}/{notice.uuid}").json() == {
        "id": str(notice.uuid),
        "organization": "acme",
        "kind": "repo_mirror_sync_failed",
        "created": notice.created_at.strftime("%a, %d %b %Y %H:%M:%S -0000"),
        "metadata": {"repository": "acme/app"},
        "dismissed": False,
    }


def test_a_dismissed_notice_is_not_listed_until_it_is_put_back(
    api: APIClient, tell: Callable[..., UserNotification]
) -> None:
    notice = tell()

    dismissed = api.put(f"{URL}/{notice.uuid}", {"dismissed": True})
    assert dismissed.status_code == 200
    assert dismissed.json()["dismissed"] is True
    assert api.get(URL).json() == {"notifications": [], "additional": False}

    api.put(f"{URL}/{notice.uuid}", {"dismissed": False})
    assert len(api.get(URL).json()["notifications"]) == 1


@pytest.mark.parametrize("uuid", ["nonsense", "00000000-0000-4000-8000-000000000000"])
def test_an_unknown_notice_is_404(api: APIClient, uuid: str) -> None:
    assert api.get(f"{URL}/{uuid}").status_code == 404
    assert api.put(f"{URL}/{uuid}", {"dismissed": True}).status_code == 404


def test_somebody_elses_notice_is_404(
    stranger_api: APIClient, tell: Callable[..., UserNotification], anonymous_api: APIClient
) -> None:
    notice = tell()

    assert stranger_api.get(URL).json()["notifications"] == []
    assert stranger_api.put(f"{URL}/{notice.uuid}", {"dismissed": True}).status_code == 404
    assert anonymous_api.get(URL).status_code == 401


def test_dismissed_must_be_true_or_false(api: APIClient, tell: Callable[..., UserNotification]) -> None:
    assert api.put(f"{URL}/{tell().uuid}", {"dismissed": "yes"}).status_code == 400
