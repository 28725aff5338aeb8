"""Teams, applications and the audit log in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from mirrors.models import Application, LogEntry, Namespace, Robot, Team, TeamMember, User
from mirrors.services.accounts import organizations, robots, teams
from mirrors.services.logs import log_entries
from tests.fixtures.browsing import text_of
from tests.fixtures.domain import join
from tests.web.conftest import signed_in
from tests.web.test_admin import url

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(superuser: User) -> Client:
    return signed_in(superuser)


def rows(*members: dict[str, Any], stored: int = 0) -> dict[str, Any]:
    """What the form of a team sends of its members."""
    values: dict[str, Any] = {"members-TOTAL_FORMS": len(members), "members-INITIAL_FORMS": stored}
    for number, member in enumerate(members):
        values |= {f"members-{number}-{key}": value for key, value in member.items()}
    return values


def kinds() -> list[str]:
    return list(LogEntry.objects.order_by("id").values_list("kind", flat=True))


def test_a_team_is_made_with_its_members(
    browser: Client, organization: Namespace, stranger: User, robot: Robot
) -> None:
    values = {"namespace": organization.pk, "name": "readers", "role": "member", "description": "They read"}
    members = rows({"user": stranger.pk}, {"robot": robot.pk})

    assert browser.post(url("team", "add"), values | members).status_code == 302

    team = Team.objects.get(name="readers")
    assert [teams.name_of(member) for member in teams.members_of(team)] == ["stranger", "acme+mirror"]
    assert kinds() == ["org_create_team", "org_add_team_member", "org_add_team_member"]


def test_a_team_changes_its_role_and_keeps_its_name(browser: Client, organization: Namespace) -> None:
    team, _ = teams.set_team(organization, "readers", role="member")
    values = {"name": "renamed", "role": "creator", "description": "more"} | rows()

    assert browser.post(url("team", "change", team.pk), values).status_code == 302

    team.refresh_from_db()
    assert (team.name, team.role, team.description) == ("readers", "creator", "more")


@pytest.mark.parametrize(
    ("name", "text"), [("Readers", "Use 2 to 255 lower-case letters and digits"), ("owners", "already exists")]
)
def test_a_bad_or_taken_name_is_refused(browser: Client, organization: Namespace, name: str, text: str) -> None:
    values = {"namespace": organization.pk, "name": name, "role": "member"} | rows()
    assert text in browser.post(url("team", "add"), values).text


def test_a_persons_own_space_has_no_teams(browser: Client, stranger: User) -> None:
    values = {"namespace": Namespace.objects.get(user=stranger).pk, "name": "readers", "role": "member"} | rows()
    assert "own space, which has no teams" in text_of(browser.post(url("team", "add"), values).text)
    assert not Team.objects.exists()


def test_a_member_is_a_user_or_a_robot_of_the_organization_and_in_a_team_once(
    browser: Client, organization: Namespace, robot: Robot, stranger: User
) -> None:
    foreign = robots.create_robot(organizations.create_organization("other", by=stranger), "ci")
    team, _ = teams.set_team(organization, "readers", role="member")
    person = {"user": stranger.pk}
    for members, text in (
        (rows({"user": stranger.pk, "robot": robot.pk}), "Choose a user or a robot, and not both."),
        (rows({"robot": foreign.pk}), "other+ci does not belong to acme"),
        (rows(person, person), "stranger is in this team already."),
    ):
        page = browser.post(url("team", "change", team.pk), {"role": "member"} | members)
        assert text in text_of(page.text)
    assert not TeamMember.objects.filter(team=team).exists()
    teams.add_member(team, "stranger")
    stored = {"id": team.members.get().pk}
    browser.post(url("team", "change", team.pk), {"role": "member"} | rows(stored, person, stored=1))
    assert team.members.get().user == stranger, "once"


def test_the_last_administrator_is_not_lost_by_hand(browser: Client, organization: Namespace, owner: User) -> None:
    team = Team.objects.get(name="owners")
    member = {"id": team.members.get().pk}
    change, delete = url("team", "change", team.pk), url("team", "delete", team.pk)
    selected = {"action": "delete_selected", "_selected_action": [team.pk], "post": "yes"}
    for page in (
        browser.post(change, {"role": "admin"} | rows(member | {"DELETE": "on"}, stored=1), follow=True),
        browser.post(change, {"role": "member"} | rows(member, stored=1), follow=True),
        browser.post(delete, {"post": "yes"}, follow=True),
        browser.post(url("team", "changelist"), selected, follow=True),
    ):
        assert "This would leave acme without an administrator" in text_of(page.text)
    assert Team.objects.get().members.get().user == owner
    assert not LogEntry.objects.exists()


def test_one_administrator_takes_the_place_of_another(browser: Client, organization: Namespace, stranger: User) -> None:
    team = Team.objects.get(name="owners")
    members = rows({"id": team.members.get().pk, "DELETE": "on"}, {"user": stranger.pk}, stored=1)
    assert browser.post(url("team", "change", team.pk), {"role": "admin"} | members).status_code == 302
    assert team.members.get().user == stranger


def test_two_teams_that_need_each_other_do_not_both_go(browser: Client, organization: Namespace, owner: User) -> None:
    second, _ = teams.set_team(organization, "admins", role="admin")
    teams.add_member(second, "owner")
    keys = list(Team.objects.values_list("pk", flat=True))
    values = {"action": "delete_selected", "_selected_action": keys, "post": "yes"}

    page = browser.post(url("team", "changelist"), values, follow=True)

    assert "without an administrator" in text_of(page.text)
    assert Team.objects.count() == 2


def test_teams_are_found_by_organization_name_and_member(browser: Client, organization: Namespace) -> None:
    for word in ("acme", "owners", "owner"):
        assert "acme/owners" in browser.get(url("team", "changelist"), {"q": word}).text
    assert "acme/owners" not in browser.get(url("team", "changelist"), {"q": "nothing"}).text


def test_an_organization_shows_its_teams_and_changes_them_elsewhere(browser: Client, organization: Namespace) -> None:
    page = browser.get(url("namespace", "change", organization.pk)).text
    assert url("team", "change", Team.objects.get().pk) in page
    values = {"email": "", "teams-TOTAL_FORMS": 1, "teams-INITIAL_FORMS": 1, "teams-0-id": Team.objects.get().pk}
    browser.post(url("namespace", "change", organization.pk), values | {"teams-0-role": "member"})
    assert Team.objects.get().role == "admin"


def test_who_makes_an_organization_by_hand_administers_it(browser: Client, superuser: User) -> None:
    browser.post(url("namespace", "add"), {"name": "platform", "email": "p@example.com"})
    made = Namespace.objects.get(name="platform")
    assert (made.email, Team.objects.get(namespace=made).members.get().user) == ("p@example.com", superuser)
    assert kinds() == ["org_create"]
    values = {"email": "q@example.com", "teams-TOTAL_FORMS": 0, "teams-INITIAL_FORMS": 0}
    browser.post(url("namespace", "change", made.pk), values)
    assert kinds() == ["org_create", "org_change_email"]


def test_a_robot_in_use_is_not_deleted_by_hand(browser: Client, mirror: object, robot: Robot) -> None:
    values = {"action": "delete_selected", "_selected_action": [robot.pk], "post": "yes"}
    browser.post(url("robot", "changelist"), values)
    browser.post(url("robot", "delete", robot.pk), {"post": "yes"})
    assert Robot.objects.exists()


def test_an_application_is_looked_at_and_removed_and_its_secret_is_not_shown(
    browser: Client, organization: Namespace
) -> None:
    application = Application(namespace=organization, name="dashboard")
    application.reset_client_secret()
    application.save()
    page = browser.get(url("application", "change", application.pk)).text
    assert application.client_id in page
    assert application.client_secret not in page
    assert "dashboard" in browser.get(url("application", "changelist"), {"q": application.client_id}).text
    assert browser.get(url("application", "add")).status_code == 403
    assert browser.post(url("application", "delete", application.pk), {"post": "yes"}).status_code == 302
    assert not Application.objects.exists()


def test_the_audit_log_is_searched_and_never_changed(browser: Client, organization: Namespace) -> None:
    entry = log_entries.record("org_change_email", namespace=organization, email="a@example.com")
    log_entries.record("user_create", username="ada")
    page = browser.get(url("logentry", "changelist"), {"q": "acme"}).text
    assert "org_change_email" in page
    assert "user_create" not in page
    assert "a@example.com" in browser.get(url("logentry", "change", entry.pk)).text
    assert browser.get(url("logentry", "add")).status_code == 403
    assert browser.post(url("logentry", "change", entry.pk), {"kind": "x"}).status_code == 403
    assert browser.post(url("logentry", "delete", entry.pk), {"post": "yes"}).status_code == 403


def test_the_power_to_read_everything_is_given_by_superusers(browser: Client, stranger: User, owner: User) -> None:
    values = {"is_active": "on", "is_readonly_superuser": "on", "date_joined_0": "2026-01-01", "date_joined_1": "00:00"}
    assert browser.post(url("user", "change", stranger.pk), values).status_code == 302
    stranger.refresh_from_db()
    assert stranger.is_readonly_superuser
    page = browser.get(url("user", "changelist"), {"is_readonly_superuser__exact": "1"}).text
    assert "stranger" in page
    assert "owner" not in page


def test_staff_neither_take_that_power_nor_the_account_of_who_has_it(stranger: User, owner: User) -> None:
    from django.contrib.auth.models import Permission

    owner.is_staff = True
    owner.save()
    owner.user_permissions.set(Permission.objects.filter(codename__endswith="_user"))
    clerk = signed_in(owner)
    values = {"is_active": "on", "is_readonly_superuser": "on", "date_joined_0": "2026-01-01", "date_joined_1": "00:00"}
    clerk.post(url("user", "change", owner.pk), values)
    assert not User.objects.get(pk=owner.pk).is_readonly_superuser
    User.objects.filter(pk=stranger.pk).update(is_readonly_superuser=True)
    assert clerk.get(f"/admin/mirrors/user/{stranger.pk}/password/").status_code == 403


def test_what_is_done_to_accounts_by_hand_is_logged(browser: Client, stranger: User) -> None:
    values = {"email": "new@example.com", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    browser.post(url("user", "change", stranger.pk), values)
    word = {"usable_password": "true", "password1": "a-long-password-7Qx", "password2": "a-long-password-7Qx"}
    browser.post(f"/admin/mirrors/user/{stranger.pk}/password/", word)
    assert kinds() == ["user_change_email", "user_disable", "user_change_password"]


def test_a_team_with_several_members_is_listed_once(browser: Client, organization: Namespace, stranger: User) -> None:
    team = join(organization, stranger, role="admin")
    page = browser.get(url("team", "changelist"), {"q": "acme"}).text
    assert page.count(url("team", "change", team.pk)) == 1
