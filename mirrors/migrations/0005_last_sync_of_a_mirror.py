"""Each mirror knows its last sync that concluded; see `Sync.objects.concluded()`."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def fill(apps, schema_editor):
    """For the mirrors that are there, in one statement."""
    Mirror, Sync = (apps.get_model("mirrors", name) for name in ("Mirror", "Sync"))
    concluded = Sync.objects.filter(mirror=OuterRef("pk"), restores__isnull=True).exclude(
        status__in=("queued", "running")
    )
    Mirror.objects.update(last_sync=Subquery(concluded.order_by("-id").values("pk")[:1]))


class Migration(migrations.Migration):
    dependencies = [("mirrors", "0004_memberships_become_teams")]

    operations = [
        migrations.AddField(
            model_name="mirror",
            name="last_sync",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                help_text="The last that concluded, for questions about thousands of mirrors; each sync writes it as it ends.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="mirrors.sync",
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
