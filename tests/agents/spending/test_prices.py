"""A price is the console's, else the dated list's; else nobody knows it, and that is not zero."""

from datetime import UTC, datetime
from decimal import Decimal

import genai_prices
import pytest
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given
from hypothesis import strategies as st

from agents.engine.limits import Limits, Meter, SpendAllowance
from agents.errors import BudgetExceeded
from agents.models import LedgerEntry, ModelPrice
from agents.protocol.usage import Usage
from agents.spending import prices
from agents.spending.prices import PRECISION, price
from agents.states import Activity, PriceSource
from stagent.ops.doctor import checks
from stagent.ops.health import Level

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LITTLE = Usage(input=10_000)
MILLION = Usage(input=1_000_000)
(ANTHROPIC,) = [each for each in get_snapshot().providers if each.id == "anthropic"]


@pytest.mark.parametrize(
    ("model", "little", "million"),
    [
        ("claude-opus-5-5", "0.04", "4"),
        ("claude-sonnet-5-5-20261001", "0.02", "2"),
        ("claude-haiku-5-5", "0.001", "0.5"),  # beyond 100,000 tokens it is five times as much, for all
        ("claude-fable-5-2", "0.08", "8"),
        ("claude-mythos-5-2", "0.08", "8"),
    ],
)
def test_a_model_costs_what_its_provider_says(model, little, million):
    assert price(model).cost(LITTLE) == Decimal(little)
    assert price(model).cost(MILLION) == Decimal(million)
    assert price(model).source == PriceSource.LIST


TOKENS = st.integers(0, 400_000)


@given(st.sampled_from([each.id for each in ANTHROPIC.models]), TOKENS, TOKENS, TOKENS, TOKENS)
def test_every_model_of_the_list_costs_what_the_list_says(model, read, written, cached, caching):
    """The arithmetic of the list is the oracle; its input counts the tokens of the cache, too."""
    whole = genai_prices.Usage(
        input_tokens=read + cached + caching, cache_read_tokens=cached, cache_write_tokens=caching,
        output_tokens=written,
    )  # fmt: skip
    told = genai_prices.calc_price(
        whole, model, provider_id="anthropic", genai_request_timestamp=NOON
    ).total_price
    assert price(model, now=NOON).cost(Usage(read, written, cached, caching)) == told.quantize(PRECISION)


def test_a_row_of_the_console_wins_the_longest_first():
    ModelPrice.objects.create(prefix="claude-", input_usd=7)
    assert price("claude-opus-5-5").cost(MILLION) == 7
    ModelPrice.objects.create(prefix="claude-opus", input_usd=9)
    assert price("claude-opus-5-5").cost(MILLION) == 9
    assert price("claude-opus-5-5").record(MILLION)["source"] == "console"


@pytest.mark.parametrize("model", ["claude-nova-9", "gpt", "%", ""])
def test_a_model_that_nobody_knows_has_no_price(model):
    assert not price(model).known
    assert not price(model).free
    assert price(model).cost(MILLION) is None
    ModelPrice.objects.create(prefix="%", input_usd=99)
    assert price("claude-haiku-5-5").cost(LITTLE) == Decimal("0.001")


@pytest.mark.parametrize(
    "server",
    ["localhost:11434", "127.0.0.1:8080", "[::1]:8080", "10.0.0.5", "192.168.1.2:80", "gateway:4000",
     "gpu.local", "llm.corp.internal:1"],
)  # fmt: skip
def test_servers_of_ones_own_are_free_until_somebody_prices_them(server):
    provider = f"anthropic@{server}"
    assert price("claude-opus-5-5", provider).free
    assert price("claude-opus-5-5", provider).record(MILLION)["source"] == "local"
    ModelPrice.objects.create(prefix=f"{provider}/claude-opus", input_usd=2)
    assert price("claude-opus-5-5", provider).cost(MILLION) == 2


def test_a_server_out_there_is_priced_where_the_list_knows_it_and_is_unknown_elsewhere():
    assert price("claude-opus-5-5", "anthropic@llm.example.org").source == PriceSource.UNKNOWN
    assert price("deepseek/deepseek-chat", "anthropic@openrouter.ai").source == PriceSource.LIST


def test_the_offline_model_is_free():
    assert price("offline model", "offline").free


def test_no_limit_in_usd_lets_an_unknown_price_pass():
    unknown = price("claude-nova-9")
    said = "The price of claude-nova-9 is not known"
    for limits, room in ((Limits(5, max_cost_usd=Decimal(1)), None), (Limits(5), Decimal(1))):
        with pytest.raises(BudgetExceeded, match=said):
            Meter(limits).allow(1000, 10, SpendAllowance(room, unknown))
    assert Meter(Limits(5)).allow(1000, 10, SpendAllowance(None, unknown)) == 1000


def test_a_long_question_is_measured_at_the_higher_price():
    haiku, limits = price("claude-haiku-5-5"), Limits(5, max_cost_usd=Decimal("0.06"))
    assert Meter(limits).allow(200_000, 100_000, SpendAllowance(None, haiku)) == 100_000
    assert Meter(limits).allow(200_000, 100_001, SpendAllowance(None, haiku)) < 5_000


def test_the_doctor_says_how_old_the_list_is_and_names_what_it_does_not_know(monkeypatch):
    finding = checks.prices(NOON)
    assert finding.level == Level.OK
    assert str(prices.list_date()) in finding.detail
    LedgerEntry.objects.create(
        at=NOON, activity=Activity.RUN_TURN, provider="anthropic", model="claude-nova-9", cost_usd=None
    )
    finding = checks.prices(NOON)
    assert finding.level == Level.WARN
    assert "not known of anthropic/claude-nova-9: add them under Prices" in finding.detail
    assert checks.prices(NOON.replace(year=2028)).level == Level.WARN


def test_the_models_that_are_offered_are_current_and_priced():
    offered = prices.listed_models()
    assert {"claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"} <= set(offered)
    assert not [name for name in offered if name.startswith(("claude-3", "claude-2"))]
    assert all(price(name).known for name in offered)
