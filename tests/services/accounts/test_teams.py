"""Teams: making and changing them, who is in them, and that somebody always administers an organization."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mirrors.errors import InvalidInput, NotFound
from mirrors.models import LogEntry, Namespace, Robot, Team, User
from mirrors.services import access
from mirrors.services.accounts import organizations, robots, teams
from tests.fixtures.domain import join

LAST = "This would leave acme without an administrator: put another user into a team with the role admin first."


def log() -> list[tuple[str, dict[str, object]]]:
    return [(entry.kind, entry.metadata) for entry in LogEntry.objects.order_by("id")]


def test_a_team_is_made_and_changed_by_the_same_call(organization: Namespace) -> None:
    team, is_new = teams.set_team(organization, "readers", role="member", description="Read")
    same, is_newer = teams.set_team(organization, "readers", role="creator")

    assert (is_new, is_newer, same.pk) == (True, False, team.pk)
    assert (same.role, same.description) == ("creator", "Read")
    teams.set_team(organization, "readers", description="")
    assert Team.objects.get(name="readers").description == ""
    assert [kind for kind, _ in log()] == ["org_create_team", "org_set_team_role", "org_set_team_description"]
    assert log()[1][1] == {"namespace": "acme", "team": "readers", "role": "creator"}


def test_a_team_that_is_as_it_should_be_is_not_logged_again(organization: Namespace) -> None:
    teams.set_team(organization, "readers", role="member")
    teams.set_team(organization, "readers", role="member")

    assert len(log()) == 1


@pytest.mark.parametrize("name", ["Readers", "a", "a--b", "a b", "-a", "", "x" * 300])
def test_a_bad_name_of_a_team_is_refused(organization: Namespace, name: str) -> None:
    with pytest.raises(InvalidInput):
        teams.set_team(organization, name, role="member")


def test_an_unknown_team_is_not_found(organization: Namespace) -> None:
    with pytest.raises(NotFound, match="There is no team named readers in acme"):
        teams.find_team(organization, "readers")


def test_people_and_the_organizations_robots_are_put_into_a_team_once(
    organization: Namespace, stranger: User, robot: Robot
) -> None:
    team, _ = teams.set_team(organization, "admins", role="admin")
    for name in ("stranger", "acme+mirror", "stranger"):
        teams.add_member(team, name)

    assert [teams.name_of(member) for member in teams.members_of(team)] == ["stranger", "acme+mirror"]
    assert access.administers_namespace(stranger, organization)
    assert not access.administers_namespace(robot, organization)
    added = [metadata["member"] for kind, metadata in log() if kind == "org_add_team_member"]
    assert added == ["stranger", "acme+mirror"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nobody", "Unknown user: there is nobody named nobody"),
        ("acme+nothing", "Could not find robot"),
        ("other+ci", "Invalid robot: other.ci does not belong to acme"),
    ],
)
def test_who_does_not_exist_or_belongs_elsewhere_gets_into_no_team(
    organization: Namespace, stranger: User, name: str, text: str
) -> None:
    robots.create_robot(organizations.create_organization("other", by=stranger), "ci")
    with pytest.raises(InvalidInput, match=text):
        teams.add_member(teams.find_team(organization, "owners"), name)


def test_the_last_administrator_stays(organization: Namespace, owner: User, robot: Robot) -> None:
    owners = teams.find_team(organization, "owners")
    teams.add_member(owners, robot.full_name)
    for attempt in (
        lambda: teams.remove_member(owners, "owner"),
        lambda: teams.delete_team(owners),
        lambda: teams.set_team(organization, "owners", role="creator"),
    ):
        with pytest.raises(InvalidInput) as refusal:
            attempt()
        assert str(refusal.value) == LAST

    assert access.administers_namespace(owner, organization)


def test_one_of_two_administrators_may_go(organization: Namespace, owner: User, stranger: User) -> None:
    teams.add_member(teams.set_team(organization, "admins", role="admin")[0], "stranger")

    teams.delete_team(teams.find_team(organization, "owners"))

    assert not access.administers_namespace(owner, organization)
    assert access.administers_namespace(stranger, organization)


def test_somebody_who_may_not_sign_in_is_no_administrator_to_rely_on(
    organization: Namespace, make_user: Callable[..., User]
) -> None:
    join(organization, make_user("gone", is_active=False), role="admin")
    owners = teams.find_team(organization, "owners")

    teams.remove_member(owners, "gone")
    with pytest.raises(InvalidInput, match="without an administrator"):
        teams.remove_member(owners, "owner")


def test_who_is_not_in_a_team_cannot_be_taken_out(organization: Namespace, stranger: User) -> None:
    with pytest.raises(InvalidInput, match="stranger is not a member of the team owners"):
        teams.remove_member(teams.find_team(organization, "owners"), "stranger")


def test_teams_are_listed_with_their_counts_in_one_query(
    organization: Namespace, django_assert_num_queries: Callable[..., object]
) -> None:
    for number in range(5):
        teams.set_team(organization, f"team{number}", role="member")
    with django_assert_num_queries(1):
        found = {team.name: (team.member_count, team.repo_count) for team in teams.teams_of(organization)}
    assert found["owners"] == (1, 0)
