"""Prices in the console."""

from django.contrib import admin

from agents.models import ModelPrice
from stagent.lib.admin import ConsoleAdmin


@admin.register(ModelPrice)
class ModelPriceAdmin(ConsoleAdmin):
    """USD per million tokens, of every model whose name begins like this; the longest beginning wins."""

    list_display = ("prefix", "input_usd", "output_usd", "cache_read_usd", "cache_write_usd")
    search_fields = ("prefix",)
    fields = ("prefix", ("input_usd", "output_usd"), ("cache_read_usd", "cache_write_usd"))
    empty_text = (
        "Every model is free. Add a price: the beginning of a model's name and USD per million tokens."
    )
