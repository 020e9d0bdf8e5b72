"""What tokens cost."""

from dataclasses import dataclass
from decimal import Decimal

from agents.models import ModelPrice
from agents.usage import Usage
from stagent.lib.prepared import Select

LISTED = "anthropic"  # the provider whose models are priced by their plain names
MILLION = Decimal(1_000_000)
SMALLEST = Decimal("0.00000001")  # what the ledger's column holds


@dataclass(frozen=True)
class Price:
    """USD per million tokens."""

    input: Decimal = Decimal(0)
    output: Decimal = Decimal(0)
    cache_read: Decimal = Decimal(0)
    cache_write: Decimal = Decimal(0)

    def cost(self, usage: Usage) -> Decimal:
        """Return what this much costs, in USD."""
        millionths = (
            usage.input * self.input
            + usage.output * self.output
            + usage.cache_read * self.cache_read
            + usage.cache_write * self.cache_write
        )
        return (millionths / MILLION).quantize(SMALLEST)

    @property
    def free(self) -> bool:
        return self == Price()


def price(model: str, provider: str = LISTED) -> Price:
    """Return the price of a model: the row with the longest prefix of its name.

    Models of other servers are found as "provider/model" and cost nothing unless somebody gave them a row:
    a local server named like a paid model must not eat the budget.
    """
    name = model if provider == LISTED else f"{provider}/{model}"
    fitting = [row for row in PRICES() if name.startswith(row.prefix)]
    if not fitting:
        return Price()
    row = max(fitting, key=lambda row: len(row.prefix))
    return Price(row.input_usd, row.output_usd, row.cache_read_usd, row.cache_write_usd)


PRICES = Select(ModelPrice.objects.order_by())
