"""Who administers, creates in or belongs to an organization does so as a member of a team from now on."""

from django.db import migrations

TEAMS = {"admin": "owners", "creator": "creators", "member": "members"}


def move_to_teams(apps, schema_editor):
    """One team for each role that somebody has in an organization."""
    Membership, Team, TeamMember = (apps.get_model("mirrors", name) for name in ("Membership", "Team", "TeamMember"))
    for membership in Membership.objects.order_by("pk").iterator():
        team, _ = Team.objects.get_or_create(
            namespace_id=membership.namespace_id, name=TEAMS[membership.role], defaults={"role": membership.role}
        )
        TeamMember.objects.create(team=team, user_id=membership.user_id)


class Migration(migrations.Migration):
    dependencies = [("mirrors", "0003_accounts_logs_and_organization_mirrors")]

    operations = [
        migrations.RunPython(move_to_teams, migrations.RunPython.noop, elidable=True),
        migrations.DeleteModel(name="Membership"),
    ]
