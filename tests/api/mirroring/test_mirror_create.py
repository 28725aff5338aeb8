"""POST …/mirror: Quay's order of checks, and what is stored."""

from __future__ import annotations

from typing import Any

import pytest

from mirrors.models import Mirror, Namespace, Repository, RepositoryPermission, Robot
from tests.api.conftest import BODY, MIRROR, APIClient

PASSWORD = BODY["external_registry_password"]


def changed(**changes: Any) -> dict[str, Any]:
    return BODY | changes


def without(*keys: str) -> dict[str, Any]:
    return {key: value for key, value in BODY.items() if key not in keys}


@pytest.mark.parametrize(
    ("before", "after"), [(None, "write"), ("read", "write"), ("write", "write"), ("admin", "admin")]
)
def test_the_robot_ends_with_the_right_to_write(
    api: APIClient, repository: Repository, robot: Robot, before: str | None, after: str
) -> None:
    if before:
        RepositoryPermission.objects.create(repository=repository, robot=robot, role=before)
    response = api.post(MIRROR, BODY)
    assert (response.status_code, response.content) == (201, b'""')
    assert repository.permissions.get(robot=robot).role == after
    assert Mirror.objects.get().tag_patterns == ["v1.*", "latest"]


def test_the_repository_turns_into_a_mirror(mirrored: APIClient, repository: Repository) -> None:
    repository.refresh_from_db()
    assert repository.state == Repository.State.MIRROR


def test_get_gives_back_what_was_posted(mirrored: APIClient) -> None:
    response = mirrored.get(MIRROR)
    expected = without("external_registry_password") | {
        "mirror_type": "PULL",
        "sync_expiration_date": None,
        "sync_retries_remaining": 3,
        "sync_status": "NEVER_RUN",
        "last_error": None,
        "platforms": BODY["architecture_filter"],
        "index_mode": "sparse",
        "copies_referrers": True,
        "copies_foreign_layers": False,
        "kept_tags": [],
    }
    assert response.json() == expected
    assert PASSWORD not in response.content.decode()


def test_only_what_is_required_is_enough(api: APIClient, repository: Repository, robot: Robot) -> None:
    required = ("external_reference", "sync_start_date", "sync_interval", "root_rule", "robot_username")
    assert api.post(MIRROR, {key: BODY[key] for key in required}).status_code == 201
    stored = api.get(MIRROR).json()
    assert stored["is_enabled"] is True
    assert stored["external_registry_config"] == {}
    assert stored["external_registry_username"] is None
    assert stored["skopeo_timeout_interval"] == 300
    assert stored["architecture_filter"] == []


def test_our_own_keys_are_taken_beside_quays(api: APIClient, repository: Repository, robot: Robot) -> None:
    ours = {
        "platforms": ["linux/amd64", "arm64", "linux/arm/v7"],
        "index_mode": "rewritten",
        "copies_referrers": False,
        "copies_foreign_layers": True,
    }
    assert api.post(MIRROR, BODY | ours).status_code == 201
    stored = api.get(MIRROR).json()
    assert {name: stored[name] for name in ours} == ours
    assert stored["architecture_filter"] == BODY["architecture_filter"]


def test_platforms_that_contradict_quays_filter_are_refused(
    api: APIClient, repository: Repository, robot: Robot
) -> None:
    response = api.post(MIRROR, changed(platforms=["linux/amd64"]))
    assert response.status_code == 400
    assert "platforms and architecture_filter contradict each other" in response.json()["detail"]
    assert not Mirror.objects.exists()


def test_unknown_keys_are_ignored(api: APIClient, repository: Repository, robot: Robot) -> None:
    assert api.post(MIRROR, changed(unsigned_images=True, colour="blue")).status_code == 201


def test_long_credentials_are_kept_whole(api: APIClient, repository: Repository, robot: Robot) -> None:
    body = changed(external_registry_username="u" * 1024, external_registry_password="p" * 1024)
    assert api.post(MIRROR, body).status_code == 201
    assert api.get(MIRROR).json()["external_registry_username"] == "u" * 1024
    assert Mirror.objects.get().source_password == "p" * 1024


def test_an_empty_user_name_is_none(api: APIClient, repository: Repository, robot: Robot) -> None:
    body = changed(external_registry_username="", external_registry_password=None)
    assert api.post(MIRROR, body).status_code == 201
    assert api.get(MIRROR).json()["external_registry_username"] is None


def test_a_float_without_fraction_is_an_integer(api: APIClient, repository: Repository, robot: Robot) -> None:
    assert api.post(MIRROR, changed(sync_interval=100.0)).status_code == 201
    interval = api.get(MIRROR).json()["sync_interval"]
    assert (interval, type(interval)) == (100, int)


def test_a_nested_repository_can_be_mirrored(api: APIClient, organization: Namespace, robot: Robot) -> None:
    Repository.objects.create(namespace=organization, name="team/deep/app")
    path = "/api/v1/repository/acme/team/deep/app/mirror"
    assert api.post(path, BODY).status_code == 201
    assert api.get(path).json()["external_reference"] == BODY["external_reference"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (without("external_reference"), "'external_reference' is a required property"),
        (without("sync_start_date"), "'sync_start_date' is a required property"),
        (without("sync_interval"), "'sync_interval' is a required property"),
        (without("root_rule"), "'root_rule' is a required property"),
        (without("robot_username"), "robot"),
        (changed(external_reference="example.com"), "example.com"),
        (changed(external_reference=" "), "External registry reference is required"),
        (changed(external_reference=None), "external_reference"),
        (changed(external_reference="https://example.com/a"), "scheme"),
        (changed(external_reference="example.com/a b"), "space"),
        (changed(external_reference="example.com/" + "a" * 1100), "1024 characters"),
        (changed(sync_start_date="not-a-date"), "Incorrect DateTime format for sync_start_date."),
        (changed(sync_start_date="2020-01-01T00:00:00.00Z"), "Incorrect DateTime format for sync_start_date."),
        (changed(sync_interval=0), "sync interval must be a whole number of seconds, at least 1"),
        (changed(sync_interval=-5), "sync_interval must be at least 0"),
        (changed(sync_interval=2**40), "sync interval"),
        (changed(sync_interval=True), "sync_interval must be an integer"),
        (changed(sync_interval=1.5), "sync_interval must be an integer"),
        (changed(sync_interval="60"), "sync_interval must be an integer"),
        (changed(is_enabled=None), "is_enabled must be true or false"),
        (changed(is_enabled=1), "is_enabled must be true or false"),
        (changed(skopeo_timeout_interval=60), "skopeo_timeout_interval must be at least 300"),
        (changed(root_rule={"rule_kind": "tag_glob_csv", "rule_value": []}), "must be a list with at least one rule"),
        (changed(root_rule={"rule_kind": "tag_glob_csv"}), "'rule_value' is a required property"),
        (changed(root_rule={"rule": "tag_glob_csv", "rule_value": ["*"]}), "'rule_kind' is a required property"),
        (changed(root_rule={"rule_kind": "regex", "rule_value": ["*"]}), "root_rule.rule_kind must be tag_glob_csv"),
        (changed(root_rule={"rule_kind": "tag_glob_csv", "rule_value": [1]}), "root_rule.rule_value[0] must be a str"),
        (changed(root_rule={"rule_kind": "tag_glob_csv", "rule_value": [" "]}), "tag pattern"),
        (changed(architecture_filter=["amd64", "sparc", "mips"]), "Invalid architectures: mips, sparc"),
        (changed(architecture_filter="amd64"), "architecture_filter must be an array"),
        (changed(external_registry_config=[]), "external_registry_config must be a JSON object"),
        (changed(external_registry_config={"proxy": {"no_proxy": 1}}), "external_registry_config.proxy.no_proxy"),
        (
            changed(external_registry_config={"proxy": {"no_proxy": "x" * 2000}}),
            "external_registry_config.proxy.no_prox",
        ),
        (changed(external_registry_username=None), "Unable to delete username while setting a password."),
        (changed(external_registry_username="x" * 5000), "external_registry_username"),
        (changed(external_reference="example.com/a\0"), "external_reference"),
        (changed(external_registry_username="\ud800"), "external_registry_username"),
    ],
)
def test_a_wrong_value_is_refused_with_a_sentence(
    api: APIClient, repository: Repository, robot: Robot, body: dict[str, Any], words: str
) -> None:
    response = api.post(MIRROR, body)
    assert response.status_code == 400
    answer = response.json()
    assert words in answer["detail"]
    assert answer["message"] == answer["error_message"] == answer["detail"]
    assert answer["error_type"] == "invalid_request"
    assert PASSWORD not in response.content.decode()
    assert not Mirror.objects.exists()
    assert not repository.permissions.exists()
    repository.refresh_from_db()
    assert repository.state == Repository.State.NORMAL


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "169.254.169.254:80", "metadata.google.internal", "[fe80::1]:5000"]
)
def test_a_metadata_service_is_refused_before_anything_is_stored(
    api: APIClient, repository: Repository, robot: Robot, host: str
) -> None:
    response = api.post(MIRROR, changed(external_reference=f"{host}/latest/meta-data"))
    assert response.status_code == 400
    assert response.json()["detail"] == "The provided registry location is not allowed"
    assert not Mirror.objects.exists()
    assert not repository.permissions.exists()


def test_an_unknown_robot_is_refused_in_quays_words(api: APIClient, repository: Repository, robot: Robot) -> None:
    response = api.post(MIRROR, changed(robot_username="acme+nobody"))
    assert response.status_code == 400
    assert response.json()["message"] == "Could not find robot with specified username"


@pytest.mark.parametrize("name", ["other+mirror", "mirror", "acme"])
def test_a_robot_from_elsewhere_is_refused_in_quays_words(
    api: APIClient, repository: Repository, robot: Robot, name: str
) -> None:
    other = Namespace.objects.create(name="other")
    Robot.objects.create(namespace=other, name="mirror")
    response = api.post(MIRROR, changed(robot_username=name))
    assert (response.status_code, response.json()["message"]) == (400, "Invalid robot")


def test_a_second_mirror_is_a_conflict(mirrored: APIClient) -> None:
    # Even with values that are wrong: Quay looks at them later.
    response = mirrored.post(MIRROR, changed(external_reference="example.com"))
    assert response.status_code == 409
    text = "Mirror configuration already exits for repository acme/app"
    assert (response.json()["detail"], response.json()["message"]) == (text, text)


def test_checks_come_in_quays_order(api: APIClient, repository: Repository, robot: Robot) -> None:
    faults = [
        ({"external_reference": "example.com"}, "example.com"),
        ({"architecture_filter": ["sparc"]}, "Invalid architectures"),
        ({"sync_start_date": "today"}, "Incorrect DateTime"),
        ({"root_rule": {"rule_kind": "tag_glob_csv", "rule_value": []}}, "TAG_GLOB_CSV"),
        ({"robot_username": "acme+nobody"}, "Could not find robot"),
    ]
    for first in range(len(faults)):
        body = BODY
        for fault, _ in faults[first:]:
            body = body | fault
        assert faults[first][1] in api.post(MIRROR, body).json()["detail"]


def test_a_missing_repository_is_not_found_after_the_body_was_checked(api: APIClient, robot: Robot) -> None:
    assert api.post(MIRROR, without("root_rule")).status_code == 400
    response = api.post(MIRROR, BODY)
    assert response.status_code == 404
    assert response.json()["error_type"] == "not_found"
