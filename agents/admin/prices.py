"""Prices in the console."""

from django.contrib import admin

from agents.models import ModelPrice
from stagent.lib.admin import ConsoleAdmin


@admin.register(ModelPrice)
class ModelPriceAdmin(ConsoleAdmin):
    """USD per million tokens, of every model whose name begins like this, in place of what the list says."""

    list_display = ("prefix", "input_usd", "output_usd", "cache_read_usd", "cache_write_usd")
    search_fields = ("prefix",)
    fields = ("prefix", ("input_usd", "output_usd"), ("cache_read_usd", "cache_write_usd"))
    empty_text = (
        "Prices come from the list of genai-prices; manage.py doctor says how old it is and which models it "
        "does not know. Add a row to use another price: the beginning of a model's name and USD per million."
    )
