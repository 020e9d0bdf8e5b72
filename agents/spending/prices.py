"""Prices of tokens: rows of the console first, then the dated list of `genai-prices`, else unknown.

An unknown price is not zero: its cost counts as unknown, and limits in USD refuse it. Only the offline model
and local servers are free without a row.
"""

import ipaddress
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.models import ModelPrice
from agents.protocol.usage import Usage
from agents.states import PriceSource
from stagent.lib.db.prepared import Select

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo

LISTED = "anthropic"  # the provider whose models have no prefix in the price table
OFFLINE = "offline"
LIST = "genai-prices"
MILLION = Decimal(1_000_000)
PRECISION = Decimal("0.00000001")  # of the ledger's column
ZERO = Decimal(0)
LOCAL_SUFFIXES = (".local", ".internal", ".lan", ".home", ".localhost", ".home.arpa")
MODEL_NAME = re.compile(r'"(claude-[a-z]+-\d+(?:-\d)?)"')
CHECK_DATE = re.compile(r"(?:checked|as of)\b[^;\"']{0,120}?(20\d\d-[01]\d-[0-3]\d)")


@dataclass(frozen=True)
class Rates:
    """USD per million tokens."""

    input: Decimal = ZERO
    output: Decimal = ZERO
    cache_read: Decimal = ZERO
    cache_write: Decimal = ZERO

    def cost(self, usage: Usage) -> Decimal:
        millionths = (
            usage.input * self.input
            + usage.output * self.output
            + usage.cache_read * self.cache_read
            + usage.cache_write * self.cache_write
        )
        return (millionths / MILLION).quantize(PRECISION)


@dataclass(frozen=True)
class Price:
    """The rates of a model by input length, and their source; no rates: unknown."""

    model: str = ""
    source: PriceSource = PriceSource.LOCAL
    tiers: tuple[tuple[int, Rates], ...] = (
        (0, Rates()),
    )  # from more than this many input tokens; applies to all of them

    @property
    def known(self) -> bool:
        return bool(self.tiers)

    @property
    def free(self) -> bool:
        return self.known and all(rates == Rates() for _, rates in self.tiers)

    def rates(self, input_tokens: int) -> Rates:
        """Return the rates of a request with this many input tokens; `ValueError` if they are unknown."""
        if not self.known:
            raise ValueError(f"The price of {self.model} is unknown.")
        return next(rates for above, rates in reversed(self.tiers) if input_tokens > above or not above)

    def cost(self, usage: Usage) -> Decimal | None:
        """Return the cost in USD; None if the price is unknown."""
        return self.rates(usage.total_input).cost(usage) if self.known else None

    def record(self, usage: Usage) -> dict[str, str]:
        """Return the rates and their source for the ledger."""
        entry = {"source": str(self.source)}
        if self.source == PriceSource.LIST:
            entry["version"] = version(LIST)
        rates = vars(self.rates(usage.total_input)) if self.known else {}
        return entry | {name: f"{usd.normalize():f}" for name, usd in rates.items()}


def price(model: str, provider: str = LISTED, now: datetime | None = None) -> Price:
    """Return the price of a model at a provider, as named by `Runtime.provider_name`.

    Models of other servers have rows "provider/model" in the console.
    """
    name = model if provider == LISTED else f"{provider}/{model}"
    matching = [row for row in PRICES() if name.startswith(row.prefix)]
    if matching:
        row = max(matching, key=lambda row: len(row.prefix))
        rates = Rates(row.input_usd, row.output_usd, row.cache_read_usd, row.cache_write_usd)
        return Price(model, PriceSource.CONSOLE, ((0, rates),))
    host = provider.partition("@")[2]
    if provider == OFFLINE or (host and is_local(host)):
        return Price(model)
    found = _listed(model, host)
    if found is None:
        return Price(model, PriceSource.UNKNOWN, ())
    return Price(model, PriceSource.LIST, _tiers(found.get_prices(now or datetime.now(UTC))))


PRICES = Select(ModelPrice.objects.order_by())


def is_local(netloc: str) -> bool:
    """Return whether a server is on this machine or network, so that its use is free."""
    host = re.sub(r":\d+$", "", netloc).strip("[]").lower()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(LOCAL_SUFFIXES)
    return address.is_private or address.is_loopback or address.is_link_local


@cache
def listed_models() -> tuple[str, ...]:
    """Return the models without a date that the installed SDK names and whose price is known."""
    spec = find_spec(LISTED)  # read, not imported: the import takes seconds
    text = (
        Path(spec.origin).parent.joinpath("types", "model_param.py").read_text()
        if spec and spec.origin
        else ""
    )
    return tuple(sorted(name for name in set(MODEL_NAME.findall(text)) if _listed(name, "")))


@cache
def list_date() -> date:
    """Return the newest check date in the price list."""
    text = files("genai_prices").joinpath("data.py").read_text(encoding="utf-8")
    return max(map(date.fromisoformat, CHECK_DATE.findall(text)), default=date.min)


def _listed(model: str, host: str) -> "ModelInfo | None":
    from genai_prices.data_snapshot import get_snapshot

    provider = (None, f"https://{host}") if host else (LISTED, None)
    try:
        return get_snapshot().find_provider_model(model, None, *provider)[1]
    except LookupError:
        return None


def _tiers(listed: Any) -> tuple[tuple[int, Rates], ...]:
    """Convert the list's prices; a kind of token without its own price costs as much as input."""
    columns = {
        "input": listed.input_mtok,
        "output": listed.output_mtok,
        "cache_read": getattr(listed, "cache_read_mtok", None),
        "cache_write": getattr(listed, "cache_write_mtok", None),
    }
    columns = {name: columns["input"] if value is None else value for name, value in columns.items()}
    starts = {0} | {tier.start for value in columns.values() for tier in getattr(value, "tiers", ())}
    return tuple(
        (start, Rates(**{name: _price_above(value, start) for name, value in columns.items()}))
        for start in sorted(starts)
    )


def _price_above(value: Any, start: int) -> Decimal:
    """Return the price for requests with more than `start` input tokens."""
    if isinstance(value, Decimal):
        return value
    price: Decimal = value.base
    for tier in value.tiers:
        price = tier.price if start and tier.start <= start else price
    return price
