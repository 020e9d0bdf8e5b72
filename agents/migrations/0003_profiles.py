"""Add the profiles that ship with the product."""

from django.db import migrations

from agents.profiles import install


def add(apps, schema_editor):
    install(apps.get_model("agents", "Profile"))


class Migration(migrations.Migration):
    dependencies = [("agents", "0002_prices")]
    # Going back keeps them: runs may refer to them, and they may have been edited.
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
