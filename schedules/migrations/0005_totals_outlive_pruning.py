"""Totals for /metrics. In an install with a history counting begins now: counters may start anywhere."""

from datetime import UTC, datetime

from django.db import migrations, models

SOURCES = ("runs", "ledger", "streams")  # by moment, in microseconds


def begin(apps, schema_editor):
    tallies = apps.get_model("schedules", "Tally").objects
    newest = apps.get_model("schedules", "Firing").objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    now = datetime.now(UTC)
    marks = {"firings": newest} | dict.fromkeys(SOURCES, int(now.timestamp() * 1_000_000))
    for source, mark in marks.items():
        tallies.create(source=source, mark=mark, ahead=mark, ahead_at=now)


class Migration(migrations.Migration):
    dependencies = [("schedules", "0004_results_arrive_in_the_chat")]

    operations = [
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("source", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("mark", models.BigIntegerField(default=0)),
                ("ahead", models.BigIntegerField(default=0)),
                ("ahead_at", models.DateTimeField()),
                ("totals", models.JSONField(default=dict)),
            ],
            options={
                "verbose_name_plural": "tallies",
                "default_permissions": (),
                "permissions": [("view_tally", "Can read /metrics")],
            },
        ),
        migrations.RunPython(begin, migrations.RunPython.noop),
    ]
