import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def forget_what_operators_were_told(apps, schema_editor):
    """A delivery without a schedule has no place in the table as it was."""
    apps.get_model("schedules", "Delivery").objects.filter(schedule=None).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("schedules", "0006_schedules_are_listed_by_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="delivery",
            name="kind",
            field=models.CharField(
                choices=[
                    ("result", "Result"),
                    ("self_pause", "Self Pause"),
                    ("warning", "Warning"),
                    ("notice", "Notice"),
                ],
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="schedule",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deliveries",
                to="schedules.schedule",
            ),
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("breaker", "breaker open"),
                            ("missed", "instants missed"),
                            ("no_scheduler", "no scheduler"),
                        ],
                        max_length=16,
                    ),
                ),
                ("cause", models.CharField(max_length=160)),
                ("text", models.CharField(max_length=600)),
                ("count", models.PositiveIntegerField(default=1)),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("acknowledged_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "until_id",
                    models.BigIntegerField(default=0, help_text="The newest firing that is counted in."),
                ),
                (
                    "acknowledged_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="acknowledged_notices",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-last_at", "-pk"],
            },
        ),
        migrations.AddField(
            model_name="delivery",
            name="notice",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deliveries",
                to="schedules.notice",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("notice", None), ("schedule__isnull", False)),
                    models.Q(("notice__isnull", False), ("schedule", None)),
                    _connector="OR",
                ),
                name="delivery_of_a_schedule_or_a_notice",
            ),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at", None)), fields=("cause",), name="notice_open_once_per_cause"
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, forget_what_operators_were_told),
    ]
