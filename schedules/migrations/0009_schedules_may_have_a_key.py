import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("schedules", "0008_schedulers_tell_their_cap"),
    ]

    operations = [
        migrations.AddField(
            model_name="schedule",
            name="key",
            field=models.CharField(
                blank=True,
                default=None,
                error_messages={"unique": "Another schedule has this key."},
                help_text="By which a file of schedules finds it again, whatever its name.",
                max_length=100,
                null=True,
                unique=True,
                validators=[django.core.validators.RegexValidator("^[A-Za-z0-9][A-Za-z0-9._/-]*$")],
            ),
        ),
    ]
