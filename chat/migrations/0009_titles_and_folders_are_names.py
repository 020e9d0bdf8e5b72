import stagent.lib.names
from django.db import migrations, models

from stagent.lib.names import fault_of, plain


def clean(apps, schema_editor):
    """Put titles and folders on one line, without invisible characters."""
    rows = apps.get_model("chat", "Conversation").objects
    for name in ("title", "folder"):
        for pk, said in rows.exclude(**{name: ""}).values_list("pk", name).iterator():
            if fault_of(said):
                rows.filter(pk=pk).update(**{name: plain(said)})


class Migration(migrations.Migration):

    dependencies = [
        ("chat", "0008_links_are_called_shared"),
    ]

    operations = [
        migrations.RunPython(clean, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="conversation",
            name="folder",
            field=models.CharField(
                blank=True,
                help_text="There while something lies in it.",
                max_length=60,
                validators=[stagent.lib.names.one_line],
            ),
        ),
        migrations.AlterField(
            model_name="conversation",
            name="title",
            field=models.CharField(
                blank=True,
                help_text="Empty until something was said.",
                max_length=120,
                validators=[stagent.lib.names.one_line],
            ),
        ),
    ]
