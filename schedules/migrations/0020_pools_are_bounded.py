import django.core.validators
from django.db import migrations, models

MOST = 1000


def bound(apps, schema_editor):
    """Give pools that are larger than the largest cap that size."""
    apps.get_model("schedules", "Pool").objects.filter(size__gt=MOST).update(size=MOST)
    apps.get_model("schedules", "Pool").objects.filter(size__lt=1).update(size=1)


class Migration(migrations.Migration):

    dependencies = [
        ("schedules", "0019_names_show_all_they_hold"),
    ]

    operations = [
        migrations.RunPython(bound, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="pool",
            name="size",
            field=models.PositiveIntegerField(
                default=1,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(MOST),
                ],
            ),
        ),
        migrations.AddConstraint(
            model_name="pool",
            constraint=models.CheckConstraint(
                condition=models.Q(("size__range", (1, MOST))), name="pool_size_is_bounded"
            ),
        ),
    ]
