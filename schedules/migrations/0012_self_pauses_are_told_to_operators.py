from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("schedules", "0011_firings_are_found_by_failure"),
    ]

    operations = [
        migrations.AlterField(
            model_name="notice",
            name="kind",
            field=models.CharField(
                choices=[
                    ("breaker", "breaker open"),
                    ("missed", "instants missed"),
                    ("no_scheduler", "no scheduler"),
                    ("self_pause", "schedule paused itself"),
                ],
                max_length=16,
            ),
        ),
    ]
