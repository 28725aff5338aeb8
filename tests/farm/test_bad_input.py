"""Values that cannot be accepted are refused by page, API and command line in a sentence that names the field."""

from __future__ import annotations

import itertools

import pytest

from tests.farm.conftest import SlowSource
from tests.fixtures.browsing import text_of
from tests.fixtures.farms import Farm, FarmMirror, Organization, in_profile
from tests.fixtures.registries import DockerRegistry

pytestmark = [pytest.mark.farm, in_profile("farm")]

_numbers = itertools.count(1)

# What is wrong: in the API's body, in the form's field, in the command's arguments; and what each answers.
BAD = {
    "an empty pattern": (
        {"root_rule": {"rule_kind": "tag_glob_csv", "rule_value": []}},
        {"tag_patterns": " , "},
        {"--tags": ""},
        {
            "api": "rule_value for TAG_GLOB_CSV must be a list with at least one rule",
            "page": "At least one tag pattern is required, for example: latest",
            "command": "--tags: At least one tag pattern is required, for example: latest",
        },
    ),
    "an interval of 0": (
        {"sync_interval": 0},
        {"sync_interval": "0"},
        {"--every": "0"},
        {
            "api": "The sync interval must be a whole number of seconds, at least 1",
            "page": "Must be a positive number",
            "command": "--every: The sync interval must be a whole number of seconds, at least 1",
        },
    ),
    "a reference with a scheme": (
        {"external_reference": "https://registry.example.com/team/app"},
        {"source_reference": "https://registry.example.com/team/app"},
        {"SOURCE": "https://registry.example.com/team/app"},
        {
            "api": "A reference has no scheme. Leave out 'https://'",
            "page": "A reference has no scheme. Leave out 'https://'",
            "command": "SOURCE: A reference has no scheme. Leave out 'https://'",
        },
    ),
    "a reference with a tag": (
        {"external_reference": "registry.example.com/team/app:v1"},
        {"source_reference": "registry.example.com/team/app:v1"},
        {"SOURCE": "registry.example.com/team/app:v1"},
        dict.fromkeys(("api", "page", "command"), "ends with the tag 'v1'. Write only registry/repository"),
    ),
    "a reference that the egress guard blocks": (
        {"external_reference": "169.254.169.254/team/app"},
        {"source_reference": "169.254.169.254/team/app"},
        {"SOURCE": "169.254.169.254/team/app"},
        dict.fromkeys(("api", "page", "command"), "The provided registry location is not allowed"),
    ),
}
bad_values = pytest.mark.parametrize("wrong", list(BAD))


@pytest.fixture
def mirror(remote_organization: Organization, slow_source: SlowSource) -> FarmMirror:
    """A mirror that has been synced: two tags at the target."""
    slow_source.let_go()
    mirror = remote_organization.mirror(slow_source.reference, tags="small,other")
    assert mirror.sync().status == "succeeded"
    return mirror


@bad_values
def test_the_api_refuses(farm: Farm, mirror: FarmMirror, target_registry: DockerRegistry, wrong: str) -> None:
    body, _, _, sentences = BAD[wrong]
    before = mirror.row

    answer = farm.api("PUT", f"repository/{mirror.full_name}/mirror", json=body)

    assert answer.status_code == 400, answer.text
    assert sentences["api"] in answer.json()["detail"]
    assert mirror.row == before
    assert target_registry.tags(mirror.full_name) == ["other", "small"]


@bad_values
def test_the_page_refuses_and_shows_what_was_typed(
    farm: Farm, mirror: FarmMirror, target_registry: DockerRegistry, wrong: str
) -> None:
    _, values, _, sentences = BAD[wrong]
    before = mirror.row
    page = f"/repository/{mirror.full_name}?tab=mirroring"

    answer = farm.visitor().submit(page, values, form="mirror-form")

    assert answer.status_code == 422
    assert sentences["page"] in text_of(answer.text)
    assert all(f'value="{value}"' in answer.text for value in values.values())
    assert mirror.row == before
    assert target_registry.tags(mirror.full_name) == ["other", "small"]


@bad_values
def test_the_command_line_refuses_and_makes_nothing(farm: Farm, wrong: str) -> None:
    _, _, arguments, sentences = BAD[wrong]
    name = f"shell{next(_numbers)}"
    given = {"SOURCE": "registry.example.com/team/app", "--tags": "v*", "--every": "1d"} | arguments

    done = farm.manage(
        "mirror", "add", given["SOURCE"], f"{name}/app", f"--tags={given['--tags']}", f"--every={given['--every']}",
        check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert sentences["command"] in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert farm.api("GET", f"organization/{name}").status_code == 404


def test_the_page_takes_what_is_right(farm: Farm, mirror: FarmMirror) -> None:
    page = f"/repository/{mirror.full_name}?tab=mirroring"

    answer = farm.visitor().submit(page, {"tag_patterns": "small"}, form="mirror-form")

    assert "Mirror configuration saved successfully" in text_of(answer.text)
    assert mirror.row.tag_patterns == ["small"]
