"""A provider that is named but not described stops the start with a sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.processes import BARE, ROOT

COMPLETE = {
    "OIDC_ISSUER": "https://id.example.com",
    "OIDC_RP_CLIENT_ID": "mirrorfarm",
    "OIDC_RP_CLIENT_SECRET": "x",
    "OIDC_OP_AUTHORIZATION_ENDPOINT": "https://id.example.com/authorize",
    "OIDC_OP_TOKEN_ENDPOINT": "https://id.example.com/token",
    "OIDC_OP_USER_ENDPOINT": "https://id.example.com/userinfo",
    "OIDC_OP_JWKS_ENDPOINT": "https://id.example.com/keys",
}


def start(directory: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Ask the settings for their backends in a process of its own."""
    program = (
        "from django.conf import settings; print(len(settings.AUTHENTICATION_BACKENDS), settings.OIDC_NAME or 'off')"
    )
    environment = {**BARE, "DATA_DIR": str(directory), "DJANGO_SETTINGS_MODULE": "mirrorfarm.settings", **variables}
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True)


def test_openid_is_off_by_default_and_on_with_all_that_it_needs(tmp_path: Path) -> None:
    assert start(tmp_path, {}).stdout == "1 off\n"
    assert start(tmp_path, COMPLETE).stdout == "2 OpenID\n"


@pytest.mark.parametrize("name", ["OIDC_RP_CLIENT_SECRET", "OIDC_OP_JWKS_ENDPOINT"])
def test_a_provider_without_all_that_it_needs_stops_the_start(tmp_path: Path, name: str) -> None:
    variables = {key: value for key, value in COMPLETE.items() if key != name}
    result = start(tmp_path, variables)
    assert result.returncode != 0
    assert f"{name} is not set while OIDC_ISSUER is" in result.stderr
