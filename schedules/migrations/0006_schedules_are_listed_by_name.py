from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("schedules", "0005_totals_outlive_pruning")]

    operations = [
        migrations.AddIndex("schedule", models.Index(fields=["name", "id"], name="schedule_by_name")),
    ]
