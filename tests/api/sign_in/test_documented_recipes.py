"""The recipes of docs/api-access.md run as they stand there, with curl in a shell."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from mirrors.models import AccessToken, Namespace, User
from mirrors.services.accounts import access_tokens, applications
from tests.fixtures.domain import PASSWORD
from tests.fixtures.processes import BARE

PAGE = (Path(django_settings.BASE_DIR) / "docs" / "api-access.md").read_text(encoding="utf-8")


def recipe(holding: str) -> str:
    """The one block of the page that holds this text."""
    blocks = [block for block in re.findall(r"(?:^    .*\n)+", PAGE, re.MULTILINE) if holding in block]
    assert len(blocks) == 1, holding
    return blocks[0]


def run(script: str, directory: Path, **variables: str) -> str:
    """What the shell prints."""
    command = ["bash", "-euo", "pipefail", "-c", script]
    result = subprocess.run(command, cwd=directory, env=BARE | variables, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture
def client_id(transactional_db: None, organization: Namespace) -> str:
    """Of the application `automation` of `acme`."""
    return applications.create_application(organization, {"name": "automation"}).client_id


def test_the_first_user_is_made(
    transactional_db: None, live_server: LiveServer, settings: Settings, tmp_path: Path
) -> None:
    settings.FEATURE_USER_INITIALIZE = True
    made = json.loads(run(recipe("user/initialize"), tmp_path, F=live_server.url))
    assert made["username"] == "quayadmin"
    user = json.loads(run(recipe("/api/v1/user/\n"), tmp_path, F=live_server.url, TOKEN=made["access_token"]))
    assert user["super_user"]


def test_an_application_and_a_token_of_it_are_made(
    live_server: LiveServer, client_id: str, owner: User, tmp_path: Path
) -> None:
    _, text = access_tokens.issue_token(owner, name="x", scopes=["org:admin", "repo:write"])
    variables = {"F": live_server.url, "TOKEN": text, "CLIENT_ID": client_id}
    assert json.loads(run(recipe('"name": "ci"'), tmp_path, **variables))["name"] == "ci"
    assert json.loads(run(recipe('"name": "nightly"'), tmp_path, **variables))["scope"] == "repo:read repo:write"


def test_a_token_is_made_with_a_user_name_and_a_password(
    live_server: LiveServer, client_id: str, owner: User, tmp_path: Path
) -> None:
    script = recipe("/api/v1/signin ").replace('"ada"', '"owner"').replace('"…"', f'"{PASSWORD}"')
    printed = run(script, tmp_path, F=live_server.url, CLIENT_ID=client_id)
    token, signed_out = printed.strip().splitlines()
    assert json.loads(signed_out) == {"success": True}
    assert AccessToken.objects.get(token_hash=AccessToken.hash_of(token)).scope_set == {"repo:read", "repo:write"}
