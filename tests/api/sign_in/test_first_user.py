"""The first user of an empty farm: made once, by whoever asks first, and only where the settings permit it."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from mirrors.models import AccessToken, LogEntry, User
from mirrors.services.accounts import access_tokens
from mirrors.services.accounts.registry_tokens import authenticate_account
from tests.api.answers import check_answer

PATH = "/api/v1/user/initialize"
BODY = {"username": "quayadmin", "password": "quaypass12345", "email": "quayadmin@example.com", "access_token": True}


@pytest.fixture(autouse=True)
def _enabled(settings: Settings) -> None:
    settings.FEATURE_USER_INITIALIZE = True


def initialize(body: Any = BODY) -> HttpResponse:
    """POST without anything that says who asks."""
    response = Client(enforce_csrf_checks=True).post(PATH, json.dumps(body), content_type="application/json")
    check_answer(response)
    return response


@pytest.mark.django_db
def test_the_first_user_administers_the_farm_and_gets_a_token_of_all_scopes() -> None:
    response = initialize()
    body = response.json()
    assert response.status_code == 200, body
    assert set(body) == {"username", "email", "encrypted_password", "access_token"}
    assert (body["username"], body["email"]) == ("quayadmin", "quayadmin@example.com")
    me = Client(headers={"Authorization": f"Bearer {body['access_token']}"}).get("/api/v1/user/").json()
    assert (me["username"], me["super_user"]) == ("quayadmin", True)
    token = AccessToken.objects.get()
    assert token.scope_set == set(access_tokens.SCOPES)
    assert token.expires_at is not None
    assert round((token.expires_at - token.created_at).total_seconds()) == 9000
    assert body["access_token"] not in str(list(LogEntry.objects.values()))


@pytest.mark.django_db
def test_the_encrypted_password_signs_in_like_the_password() -> None:
    encrypted = initialize().json()["encrypted_password"]
    assert "quaypass12345" not in encrypted
    assert authenticate_account("quayadmin", encrypted) == User.objects.get()
    assert authenticate_account("quayadmin", "quaypass12345") == User.objects.get()
    assert authenticate_account("quayadmin", encrypted[:-4] + "AAA=") is None


@pytest.mark.django_db
def test_no_token_is_made_unless_it_is_asked_for() -> None:
    body = initialize({"username": "quayadmin", "password": "quaypass12345"}).json()
    assert set(body) == {"username", "email", "encrypted_password"}
    assert body["email"] is None
    assert not AccessToken.objects.exists()


@pytest.mark.django_db
def test_there_is_only_one_first_user(owner: User) -> None:
    response = initialize()
    assert response.status_code == 400
    assert response.json()["message"] == "Cannot initialize user in a non-empty database"
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_it_has_to_be_switched_on(settings: Settings) -> None:
    settings.FEATURE_USER_INITIALIZE = False
    response = initialize()
    assert response.status_code == 400
    assert response.json()["message"].startswith("Cannot initialize user, FEATURE_USER_INITIALIZE is False")
    assert not User.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"username": "Not A Name"}, "Failed to initialize user: Use 2 to 255 lower-case letters"),
        ({"password": "short"}, "Failed to initialize user: This password is too short."),
        ({"username": None}, "username must be a string."),
        ({"email": "no address"}, "Failed to initialize user: Enter a valid email address."),
    ],
)
def test_a_refused_first_user_leaves_the_farm_empty(changes: dict[str, Any], sentence: str) -> None:
    response = initialize(BODY | changes)
    assert response.status_code == 400
    assert response.json()["message"].startswith(sentence)
    assert "quaypass12345" not in response.text
    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_several_who_ask_at_once_one_is_served() -> None:
    statuses: list[int] = []
    start = threading.Barrier(4)

    def ask(number: int) -> None:
        start.wait()
        try:
            statuses.append(initialize(BODY | {"username": f"admin{number}"}).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 400, 400, 400]
    assert User.objects.count() == 1
