"""Token prices: rows of the console first, then the dated list of `genai-prices`, else unknown.

An unknown price is not zero: its cost is unknown, and limits in USD do not allow it. Without a row, only the
offline model and local servers are free.
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

LISTED = "anthropic"  # the provider whose models are priced by their plain names
OFFLINE = "offline"
LIST = "genai-prices"
MILLION = Decimal(1_000_000)
SMALLEST = Decimal("0.00000001")  # what the ledger's column holds
ZERO = Decimal(0)
LOCAL_ENDINGS = (".local", ".internal", ".lan", ".home", ".localhost", ".home.arpa")
A_MODEL = re.compile(r'"(claude-[a-z]+-\d+(?:-\d)?)"')
CHECKED = re.compile(r"(?:checked|as of)\b[^;\"']{0,120}?(20\d\d-[01]\d-[0-3]\d)")


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
        return (millionths / MILLION).quantize(SMALLEST)


@dataclass(frozen=True)
class Price:
    """The rates of a model by input length, and their source; no rates: unknown."""

    model: str = ""
    source: PriceSource = PriceSource.LOCAL
    tiers: tuple[tuple[int, Rates], ...] = ((0, Rates()),)  # above so many tokens read, for all of them

    @property
    def known(self) -> bool:
        return bool(self.tiers)

    @property
    def free(self) -> bool:
        return self.known and all(rates == Rates() for _, rates in self.tiers)

    def rates(self, reading: int) -> Rates:
        """Return the rates for this input length. Raises ValueError if unknown."""
        if not self.known:
            raise ValueError(f"The price of {self.model} is not known.")
        return next(rates for above, rates in reversed(self.tiers) if reading > above or not above)

    def cost(self, usage: Usage) -> Decimal | None:
        """Return what this much costs, in USD; None where nobody knows."""
        return self.rates(usage.total_input).cost(usage) if self.known else None

    def record(self, usage: Usage) -> dict[str, str]:
        """Return what the ledger stores of the price."""
        kept = {"source": str(self.source)}
        if self.source == PriceSource.LIST:
            kept["version"] = version(LIST)
        rates = vars(self.rates(usage.total_input)) if self.known else {}
        return kept | {name: f"{usd.normalize():f}" for name, usd in rates.items()}


def price(model: str, provider: str = LISTED, now: datetime | None = None) -> Price:
    """Return the price of a model at a provider, named by `Runtime.provider_name`.

    Rows for models of other servers are named "provider/model".
    """
    name = model if provider == LISTED else f"{provider}/{model}"
    fitting = [row for row in PRICES() if name.startswith(row.prefix)]
    if fitting:
        row = max(fitting, key=lambda row: len(row.prefix))
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
    """Return whether a server is on this machine or local network, and so free."""
    host = re.sub(r":\d+$", "", netloc).strip("[]").lower()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(LOCAL_ENDINGS)
    return address.is_private or address.is_loopback or address.is_link_local


@cache
def listed_models() -> tuple[str, ...]:
    """Return the models that the SDK names, without a date, and whose price is known."""
    spec = find_spec(LISTED)  # read and not imported, which takes seconds
    text = (
        Path(spec.origin).parent.joinpath("types", "model_param.py").read_text()
        if spec and spec.origin
        else ""
    )
    return tuple(sorted(name for name in set(A_MODEL.findall(text)) if _listed(name, "")))


@cache
def list_date() -> date:
    """Return the newest check date in the list."""
    text = files("genai_prices").joinpath("data.py").read_text(encoding="utf-8")
    return max(map(date.fromisoformat, CHECKED.findall(text)), default=date.min)


def _listed(model: str, host: str) -> "ModelInfo | None":
    from genai_prices.data_snapshot import get_snapshot

    where = (None, f"https://{host}") if host else (LISTED, None)
    try:
        return get_snapshot().find_provider_model(model, None, *where)[1]
    except LookupError:
        return None


def _tiers(listed: Any) -> tuple[tuple[int, Rates], ...]:
    """Read the list's prices; a kind of token without a price costs what other input does."""
    columns = {
        "input": listed.input_mtok,
        "output": listed.output_mtok,
        "cache_read": getattr(listed, "cache_read_mtok", None),
        "cache_write": getattr(listed, "cache_write_mtok", None),
    }
    columns = {name: columns["input"] if value is None else value for name, value in columns.items()}
    starts = {0} | {tier.start for value in columns.values() for tier in getattr(value, "tiers", ())}
    return tuple(
        (start, Rates(**{name: _at(value, start) for name, value in columns.items()}))
        for start in sorted(starts)
    )


def _at(value: Any, start: int) -> Decimal:
    """Return the price of requests that read more than `start` tokens."""
    if isinstance(value, Decimal):
        return value
    price: Decimal = value.base
    for tier in value.tiers:
        price = tier.price if start and tier.start <= start else price
    return price
