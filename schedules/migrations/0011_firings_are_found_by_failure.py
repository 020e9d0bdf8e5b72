from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("schedules", "0010_workers_are_seen"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="firing",
            index=models.Index(fields=["failure_reason", "nominal_at"], name="firing_by_failure"),
        ),
    ]
