"""Groups that an install starts with. In a fresh one their permissions come right after the migrations."""

from django.db import migrations

from stagent import duties


def make(apps, schema_editor):
    groups = [apps.get_model("auth", "Group").objects.get_or_create(name=name)[0] for name in duties.DUTIES]
    permissions = apps.get_model("auth", "Permission").objects.select_related("content_type")
    duties.grant(groups, permissions)


class Migration(migrations.Migration):
    dependencies = [
        ("stagent", "0001_api_tokens"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
