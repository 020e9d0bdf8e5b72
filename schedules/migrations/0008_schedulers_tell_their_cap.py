from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("schedules", "0007_operators_are_told"),
    ]

    operations = [
        migrations.AddField(
            model_name="scheduler",
            name="cap",
            field=models.PositiveIntegerField(help_text="How many runs at once it claims up to.", null=True),
        ),
        migrations.AddField(
            model_name="scheduler",
            name="cap_source",
            field=models.CharField(blank=True, default="", help_text="Where it has that from.", max_length=16),
        ),
    ]
