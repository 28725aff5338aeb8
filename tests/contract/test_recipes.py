"""The curl recipes of Quay's documentation, run by the shell against a live server."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mirrors.models import Mirror, Namespace, OrganizationMirror, Robot

SCRIPT = Path(__file__).with_name("recipes.sh")


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_every_recipe_of_the_documentation_works(
    server: str, token: str, empty_organization: Namespace, app: str, robot: Robot
) -> None:
    variables = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOST": server,
        "TOKEN": token,
        "ORGANIZATION": "mirrored",
        "ROBOT": "mirrored+puller",
        "SOURCE_URL": server,
        "SOURCE_NAMESPACE": "acme",
        "REPOSITORY": app,
        "REPOSITORY_ROBOT": robot.full_name,
        "SOURCE_REPOSITORY": "127.0.0.1:5000/team/app",
    }

    run = subprocess.run([SCRIPT], env=variables, check=False, capture_output=True, text=True)

    assert run.returncode == 0, run.stdout + run.stderr
    recipes = re.findall(r"^curl -X", SCRIPT.read_text(), re.MULTILINE)
    assert len(run.stdout.splitlines()) == len(recipes)
    assert OrganizationMirror.objects.count() == 0
    assert Mirror.objects.get().sync_interval == 7200


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_the_script_stops_at_an_answer_that_quay_would_not_give(server: str, organization: Namespace) -> None:
    names = ("ORGANIZATION", "ROBOT", "SOURCE_URL", "SOURCE_NAMESPACE", "REPOSITORY", "REPOSITORY_ROBOT")
    variables = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOST": server, "TOKEN": "x" * 40, "SOURCE_REPOSITORY": "x"}

    run = subprocess.run(
        [SCRIPT], env=variables | dict.fromkeys(names, "x"), check=False, capture_output=True, text=True
    )

    assert run.returncode == 1
    assert run.stderr.startswith("FAILED create an organization mirror: 401 instead of 201")
