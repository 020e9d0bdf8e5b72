"""Seed what models cost, in USD per million tokens; the table is edited in the admin."""

from decimal import Decimal

from django.db import migrations

# prefix, input, output; reading from the cache costs a tenth of the input, writing to it a quarter more
PRICES = [
    ("claude-opus-5-5", "5", "25"),
    ("claude-sonnet-5-5", "3", "15"),
    ("claude-haiku-5-5", "1", "5"),
    ("claude-", "5", "25"),  # a model of the provider that has no row yet must not look free
]


def seed(apps, schema_editor):
    ModelPrice = apps.get_model("agents", "ModelPrice")
    for prefix, input_usd, output_usd in PRICES:
        prices = {
            "input_usd": Decimal(input_usd),
            "output_usd": Decimal(output_usd),
            "cache_read_usd": Decimal(input_usd) / 10,
            "cache_write_usd": Decimal(input_usd) * 5 / 4,
        }
        ModelPrice.objects.get_or_create(prefix=prefix, defaults=prices)


def clear(apps, schema_editor):
    apps.get_model("agents", "ModelPrice").objects.filter(prefix__in=[price[0] for price in PRICES]).delete()


class Migration(migrations.Migration):
    dependencies = [("agents", "0001_initial")]
    operations = [migrations.RunPython(seed, clear)]
