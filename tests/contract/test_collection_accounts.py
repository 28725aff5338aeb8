"""The Ansible collection's modules for organizations, applications, teams and users; what it asks without a token."""

from __future__ import annotations

import pytest

from mirrors.models import Namespace, Robot, User
from tests.contract.collection import Client, ModuleFailed
from tests.contract.collection import accounts as more
from tests.contract.test_collection import second_run_changes_nothing

pytestmark = pytest.mark.django_db(transaction=True)


def test_organization_is_made_once_and_removed(client: Client) -> None:
    def run() -> bool:
        return more.organization(client, "fresh", email="fresh@example.com", tag_expiration_s=86400)

    assert run() is True
    assert client.writes == ["POST organization/", "PUT organization/fresh"]
    second_run_changes_nothing(client, run)
    assert more.organization(client, "fresh", state="absent") is True
    second_run_changes_nothing(client, lambda: more.organization(client, "fresh", state="absent"))


def test_application_is_made_once_changed_and_removed(client: Client, organization: Namespace) -> None:
    def run() -> bool:
        return more.application(client, "acme", "Deployer", description="For the pipeline")

    assert run() is True
    second_run_changes_nothing(client, run)
    assert more.application(client, "acme", "Deployer", redirect_uri="https://deployer.example.com/") is True
    second_run_changes_nothing(client, run)
    assert more.application(client, "acme", "Deployer", state="absent") is True
    second_run_changes_nothing(client, lambda: more.application(client, "acme", "Deployer", state="absent"))


def test_team_is_made_once_with_its_members_and_removed(
    client: Client, organization: Namespace, stranger: User, robot: Robot
) -> None:
    def run() -> bool:
        return more.team(
            client, "acme", "pullers", role="member", description="They pull", members=["stranger", "acme+mirror"]
        )

    assert run() is True
    second_run_changes_nothing(client, run)
    assert more.team(client, "acme", "pullers", members=["stranger"]) is True
    assert more.team(client, "acme", "pullers", state="absent") is True
    second_run_changes_nothing(client, lambda: more.team(client, "acme", "pullers", state="absent"))


def test_user_is_made_changed_and_removed(root: Client) -> None:
    def run() -> bool:
        return more.user(root, "grace", email="grace@example.com", enabled=False)

    assert run() is True
    second_run_changes_nothing(root, run)
    assert more.user(root, "grace", state="absent") is True
    second_run_changes_nothing(root, lambda: more.user(root, "grace", state="absent"))


def test_user_leaves_superusers_alone(root: Client) -> None:
    with pytest.raises(ModuleFailed, match="superuser"):
        more.user(root, "root", enabled=False)


def test_capabilities_are_read_without_a_token(server: str) -> None:
    found = more.capabilities(Client(server))

    assert set(found) == {"sparse_manifests", "mirror_architectures"}
    assert found["mirror_architectures"] == ["amd64", "arm64", "ppc64le", "s390x"]
    assert set(found["sparse_manifests"]) == {
        "supported",
        "required_architectures",
        "optional_architectures_allowed",
    }
