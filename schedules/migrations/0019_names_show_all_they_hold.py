from django.db import migrations

from stagent.lib.names import fault_of, free_copy, plain

NAMED = [("schedules", "Schedule")]


def clean(apps, schema_editor):
    """Take the invisible and text-direction characters out of names, which may not hold them any more."""
    for app, name in NAMED:
        model = apps.get_model(app, name)
        longest, unique = (getattr(model._meta.get_field("name"), key) for key in ("max_length", "unique"))
        for pk, said in model.objects.values_list("pk", "name").iterator():
            if fault_of(said):
                seen = plain(said) or f"Unnamed {pk}"
                others = set(model.objects.exclude(pk=pk).values_list("name", flat=True)) if unique else set()
                new = free_copy(seen, "renamed", longest, others) if seen in others else seen
                model.objects.filter(pk=pk).update(name=new)


class Migration(migrations.Migration):

    dependencies = [
        ("schedules", "0018_processes_report_their_health"),
    ]

    operations = [
        migrations.RunPython(clean, migrations.RunPython.noop),
    ]
