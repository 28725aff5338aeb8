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

# What is wrong: in the API's body, in the form's field, in the command's arguments; and the words of the answers.
BAD = {
    "an empty pattern": (
        {"root_rule": {"rule_kind": "tag_glob_csv", "rule_value": []}},
        {"tag_patterns": " , "},
        {"--tags": ""},
        {"api": ["rule_value", "at least one"], "page": ["Tags", "tag pattern"], "command": ["--tags", "tag pattern"]},
    ),
    "an interval of 0": (
        {"sync_interval": 0},
        {"sync_interval": "0"},
        {"--every": "0"},
        {
            "api": ["sync interval", "at least 1"],
            "page": ["Sync Interval", "Must be a positive number"],
            "command": ["--every", "at least 1"],
        },
    ),
    "a reference with a scheme": (
        {"external_reference": "https://registry.example.com/team/app"},
        {"source_reference": "https://registry.example.com/team/app"},
        {"SOURCE": "https://registry.example.com/team/app"},
        {"api": ["reference", "scheme"], "page": ["Registry Location", "scheme"], "command": ["SOURCE", "scheme"]},
    ),
    "a reference with a tag": (
        {"external_reference": "registry.example.com/team/app:v1"},
        {"source_reference": "registry.example.com/team/app:v1"},
        {"SOURCE": "registry.example.com/team/app:v1"},
        {"api": ["tag"], "page": ["Registry Location", "tag"], "command": ["SOURCE", "tag"]},
    ),
    "a reference that the egress guard blocks": (
        {"external_reference": "169.254.169.254/team/app"},
        {"source_reference": "169.254.169.254/team/app"},
        {"SOURCE": "169.254.169.254/team/app"},
        {"api": ["not allowed"], "page": ["Registry Location", "not allowed"], "command": ["SOURCE", "not allowed"]},
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
    body, _, _, words = BAD[wrong]
    before = mirror.row

    answer = farm.api("PUT", f"repository/{mirror.full_name}/mirror", json=body)

    assert answer.status_code == 400, answer.text
    assert_words(answer.json()["detail"], words["api"])
    assert mirror.row == before
    assert target_registry.tags(mirror.full_name) == ["other", "small"]


@bad_values
def test_the_page_refuses_and_shows_what_was_typed(
    farm: Farm, mirror: FarmMirror, target_registry: DockerRegistry, wrong: str
) -> None:
    _, values, _, words = BAD[wrong]
    before = mirror.row
    page = f"/repository/{mirror.full_name}?tab=mirroring"

    answer = farm.visitor().submit(page, values, form="mirror-form")

    assert answer.status_code == 422
    assert_words(text_of(answer.text), words["page"])
    assert all(f'value="{value}"' in answer.text for value in values.values())
    assert mirror.row == before
    assert target_registry.tags(mirror.full_name) == ["other", "small"]


@bad_values
def test_the_command_line_refuses_and_makes_nothing(farm: Farm, wrong: str) -> None:
    _, _, arguments, words = BAD[wrong]
    name = f"shell{next(_numbers)}"
    given = {"SOURCE": "registry.example.com/team/app", "--tags": "v*", "--every": "1d"} | arguments

    done = farm.manage(
        "mirror", "add", given["SOURCE"], f"{name}/app", f"--tags={given['--tags']}", f"--every={given['--every']}",
        check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert_words(done.stderr, words["command"])
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert farm.api("GET", f"organization/{name}").status_code == 404


def test_the_page_takes_what_is_right(farm: Farm, mirror: FarmMirror) -> None:
    page = f"/repository/{mirror.full_name}?tab=mirroring"

    answer = farm.visitor().submit(page, {"tag_patterns": "small"}, form="mirror-form")

    assert "Mirror configuration saved successfully" in text_of(answer.text)
    assert mirror.row.tag_patterns == ["small"]


def assert_words(text: str, words: list[str]) -> None:
    """The sentence says it."""
    for word in words:
        assert word.lower() in text.lower(), f"{word!r} is not in: {text[-3000:]}"
