"""What states and roles mean at /v2/: whoever may read pulls in every state, and nobody ever gets a push."""

from __future__ import annotations

import json
from collections.abc import Callable

import jwt
import pytest
from django.test import Client

from mirrors.models import Mirror, Namespace, Repository, RepositoryPermission, Robot, Team, User
from mirrors.oci import Store
from mirrors.services.accounts import access_tokens
from tests.fixtures.domain import PASSWORD, join, mirror_organization
from tests.registry_api.conftest import PRIVATE_IMAGE
from tests.registry_api.test_tokens import ask, basic, pulls

MANIFEST = "/v2/acme/private/manifests/secret"
EVERYTHING = "repository:acme/private:pull,push,*"


def pulled(client: Client, token: str) -> bool:
    answer = client.get(MANIFEST, headers={"Authorization": f"Bearer {token}"})
    return answer.status_code == 200 and answer.content == PRIVATE_IMAGE.manifest.content


@pytest.fixture
def mirroring(reader: Robot) -> Robot:
    """The robot of both a mirror of acme/private and of the mirror of all of acme, with the right to write."""
    repository = Repository.objects.get(name="private")
    RepositoryPermission.objects.filter(robot=reader).update(role="write")
    Mirror.objects.create(
        repository=repository, source_reference="registry.example.com/a/b", tag_patterns=["*"], robot=reader
    )
    mirror_organization(reader)
    return reader


@pytest.mark.parametrize("state", Repository.State.values)
def test_a_state_takes_nothing_from_who_pulls_and_gives_nobody_a_push(
    client: Client, mirroring: Robot, owner: User, stranger: User, teammate: User, superuser: User, state: str
) -> None:
    Repository.objects.update(state=state)
    for account, reads in (
        (basic(mirroring.full_name, mirroring.token), True),
        (basic("owner", PASSWORD), True),
        (basic("teammate", PASSWORD), True),
        (basic("root", PASSWORD), True),
        (basic("stranger", PASSWORD), False),
    ):
        token = ask(client, EVERYTHING, **account)
        assert pulled(client, token) is reads
        assert pulls(token) == {"acme/private": reads}
        claims = json.dumps(jwt.decode(token, options={"verify_signature": False})["access"])
        assert "push" not in claims
        assert "*" not in claims
        answer = client.put(MANIFEST, b"{}", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 405


@pytest.mark.parametrize("state", Repository.State.values)
def test_what_is_public_is_pulled_by_anyone_in_every_state(client: Client, mirroring: Robot, state: str) -> None:
    Repository.objects.update(state=state, visibility="public")
    assert pulled(client, ask(client, EVERYTHING))


def test_teams_of_people_and_of_robots_pull(client: Client, stranger: User, repositories: Store) -> None:
    organization = Namespace.objects.get(name="acme")
    machine = Robot.objects.create(namespace=organization, name="machine")
    for account, credentials in (
        (stranger, basic("stranger", PASSWORD)),
        (machine, basic(machine.full_name, machine.token)),
    ):
        assert not pulled(client, ask(client, EVERYTHING, **credentials))
        join(organization, account, role="member")
    team = Team.objects.get(name="members")
    RepositoryPermission.objects.create(repository=Repository.objects.get(name="private"), team=team, role="read")
    assert pulled(client, ask(client, EVERYTHING, **basic("stranger", PASSWORD)))
    assert pulled(client, ask(client, EVERYTHING, **basic(machine.full_name, machine.token)))


def test_read_only_superusers_pull_everything_and_their_tokens_only_with_the_scope_for_it(
    client: Client, make_user: Callable[..., User], repositories: Store
) -> None:
    auditor = make_user("auditor", is_readonly_superuser=True)
    assert pulled(client, ask(client, EVERYTHING, **basic("auditor", PASSWORD)))
    for scopes, reads in ((["repo:read"], False), (["repo:read", "super:user"], True)):
        _, text = access_tokens.issue_token(auditor, name="ci", scopes=scopes)
        assert pulled(client, ask(client, EVERYTHING, **basic("$oauthtoken", text))) is reads
