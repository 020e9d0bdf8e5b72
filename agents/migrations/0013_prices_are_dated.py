"""Prices come from the dated list of genai-prices; rows that nobody changed since they were seeded go."""

from decimal import Decimal

from django.db import migrations, models

SEEDED = [  # prefix, input, output, as 0002_prices wrote them
    ("claude-opus-5-5", "5", "25"),
    ("claude-sonnet-5-5", "3", "15"),
    ("claude-haiku-5-5", "1", "5"),
    ("claude-", "5", "25"),
]


def _columns(input_usd, output_usd):
    return {
        "input_usd": Decimal(input_usd),
        "output_usd": Decimal(output_usd),
        "cache_read_usd": Decimal(input_usd) / 10,
        "cache_write_usd": Decimal(input_usd) * 5 / 4,
    }


def remove(apps, schema_editor):
    rows = apps.get_model("agents", "ModelPrice").objects
    for prefix, input_usd, output_usd in SEEDED:
        rows.filter(prefix=prefix, **_columns(input_usd, output_usd)).delete()


def seed(apps, schema_editor):
    rows = apps.get_model("agents", "ModelPrice").objects
    for prefix, input_usd, output_usd in SEEDED:
        rows.get_or_create(prefix=prefix, defaults=_columns(input_usd, output_usd))


def zero(apps, schema_editor):
    apps.get_model("agents", "LedgerEntry").objects.filter(cost_usd=None).update(cost_usd=0)


class Migration(migrations.Migration):
    dependencies = [("agents", "0012_breakers_count_failures")]
    operations = [
        migrations.RunPython(remove, seed),
        migrations.AddField(
            model_name="ledgerentry",
            name="price",
            field=models.JSONField(
                editable=False,
                help_text="What was paid, in USD per million tokens, and where it is from.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="cost_usd",
            field=models.DecimalField(
                decimal_places=8,
                default=0,
                help_text="Empty: the price was not known.",
                max_digits=14,
                null=True,
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, zero),
    ]
