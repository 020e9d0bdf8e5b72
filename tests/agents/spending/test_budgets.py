"""The ledger and the budgets that read it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.metadata import version
from uuid import uuid4

import pytest
from django.db import IntegrityError

from agents.errors import BudgetExceeded
from agents.models import Budget, LedgerEntry
from agents.protocol.usage import Usage
from agents.spending import budgets, totals
from agents.spending.budgets import Exhausted, Spender, Spending
from agents.states import Activity, BudgetScope, BudgetWindow

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
RUN = Spender(Activity.RUN_TURN, project_id=1, schedule_id=3, run_id=7, user_id=9)
MILLION = Usage(input=1_000_000)


def spend(usd: str, at: datetime = NOON, spender: Spender = RUN) -> None:
    LedgerEntry.objects.create(
        at=at,
        cost_usd=Decimal(usd),
        activity=spender.activity,
        project_id=spender.project_id,
        schedule_id=spender.schedule_id,
    )


def budget(scope=BudgetScope.INSTALL, subject=None, window=BudgetWindow.DAY, **most) -> Budget:
    return Budget.objects.create(scope=scope, subject_id=subject, window=window, **most)


def test_an_expense_is_written_with_everything_it_belongs_to():
    cost = budgets.charge(RUN, Usage(1000, 100, 10, 1), model="claude-haiku-5-5", now=NOON, estimated=True)
    entry = LedgerEntry.objects.get()
    assert entry.cost_usd == cost == Decimal("0.00015022")
    assert entry.price == {
        "source": "list", "version": version("genai-prices"), "input": "0.1", "output": "0.5",
        "cache_read": "0.01", "cache_write": "0.125",
    }  # fmt: skip
    assert (entry.activity, entry.project_id, entry.schedule_id, entry.run_id, entry.user_id) == (
        "run_turn",
        1,
        3,
        7,
        9,
    )
    assert (entry.estimated, entry.at, entry.model, entry.provider) == (
        True,
        NOON,
        "claude-haiku-5-5",
        "anthropic",
    )


def test_a_model_that_answers_with_a_long_path_can_be_paid_all_the_same():
    budgets.charge(RUN, MILLION, model="/models/" + "x" * 200, now=NOON, provider="anthropic@localhost")
    assert len(LedgerEntry.objects.get().model) == LedgerEntry._meta.get_field("model").max_length


def test_what_a_reply_spent_is_added_up_over_its_attempts():
    reply = replace(RUN, run_id=None, message_id=7)
    for _ in range(2):
        budgets.charge(reply, Usage(1000, 100, 10, 1), model="claude-haiku-5-5", now=NOON)
    budgets.record_bypass(reply, {"cap": 2}, NOON)
    assert totals.message_totals(7) == {
        "input_tokens": 2022,
        "output_tokens": 200,
        "cost_usd": Decimal("0.00030044"),
    }
    assert totals.message_totals(8) == {"input_tokens": 0, "output_tokens": 0, "cost_usd": 0}


def test_a_reply_of_unknown_price_is_counted_and_not_called_free():
    assert budgets.charge(RUN, MILLION, model="claude-nova-9", now=NOON) is None
    entry = LedgerEntry.objects.get()
    assert (entry.cost_usd, entry.price) == (None, {"source": "unknown"})
    assert budgets.spent_today(NOON) == Spending(turns=1, cost_usd=Decimal(0), unpriced=1)
    assert budgets.unpriced("run_id", [7, 8]) == {7: 1}


def test_a_forced_bypass_is_on_the_ledger_and_costs_nothing():
    entry = budgets.record_bypass(RUN, {"cap": 2}, NOON)
    assert (entry.activity, entry.cost_usd) == ("manual_force_bypass", Decimal(0))
    assert entry.detail == {"cap": 2}
    assert budgets.spent_today(NOON) == Spending()


def test_without_budgets_everything_is_allowed():
    spend("1000")
    budgets.check(RUN, Decimal(1000), NOON)
    assert budgets.remaining_usd(RUN, NOON) is None
    assert not budgets.exhausted(NOON)


def test_the_budget_that_is_exceeded_is_named():
    budget(BudgetScope.PROJECT, 1, max_cost_usd=2)
    spend("1.5")
    budgets.check(RUN, Decimal("0.5"), NOON)
    with pytest.raises(
        BudgetExceeded, match=r"The daily budget of this project is used up: \$1.5000 of \$2.0000 spent"
    ):
        budgets.check(RUN, Decimal("0.51"), NOON)


def test_turns_are_budgeted_too():
    budget(BudgetScope.SCHEDULE, 3, BudgetWindow.MONTH, max_turns=2)
    spend("0")
    budgets.check(RUN, Decimal(0), NOON)
    spend("0")
    with pytest.raises(
        BudgetExceeded, match="monthly budget of this schedule is used up: 2 of 2 agent steps"
    ):
        budgets.check(RUN, Decimal(0), NOON)


def test_room_is_what_the_tightest_budget_leaves():
    budget(max_cost_usd=10)
    budget(BudgetScope.SCHEDULE, 3, max_cost_usd=2)
    budget(BudgetScope.SCHEDULE, 4, max_cost_usd=1)
    spend("0.5")
    assert budgets.remaining_usd(RUN, NOON) == Decimal("1.5")


def test_chat_and_runs_spend_from_one_purse():
    budget(max_cost_usd=1)
    spend("0.6")
    spend("0.6", spender=Spender(Activity.CHAT_TURN, message_id=1))
    with pytest.raises(BudgetExceeded):
        budgets.remaining_usd(RUN, NOON)


def test_yesterday_and_last_month_do_not_count():
    budget(max_cost_usd=1)
    budget(window=BudgetWindow.MONTH, max_cost_usd=3)
    spend("1", NOON - timedelta(days=1))
    spend("1", NOON - timedelta(days=30))
    assert budgets.remaining_usd(RUN, NOON) == 1
    spend("0.9", NOON - timedelta(days=2))
    spend("0.5", NOON - timedelta(days=3))
    assert budgets.remaining_usd(RUN, NOON) == Decimal("0.6")


@pytest.mark.parametrize(
    ("zone", "now", "began"),
    [
        ("UTC", "2026-11-24T12:00", "2026-11-24T00:00"),
        ("Europe/Berlin", "2026-11-24T23:30", "2026-11-24T23:00"),
        ("America/New_York", "2026-11-24T03:00", "2026-11-23T05:00"),
        ("Europe/Berlin", "2026-03-29T12:00", "2026-03-28T23:00"),  # the clocks change at 2 that night
        ("Asia/Beirut", "2026-03-29T12:00", "2026-03-28T22:00"),  # that day begins at 1 o'clock
    ],
)
def test_a_day_begins_at_midnight_where_the_install_lives(settings, zone, now, began):
    settings.TIME_ZONE = zone
    start = budgets.window_start(BudgetWindow.DAY, datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert start == datetime.fromisoformat(began).replace(tzinfo=UTC)


def test_a_month_begins_on_its_first_day():
    assert budgets.window_start(BudgetWindow.MONTH, NOON) == datetime(2026, 11, 1, tzinfo=UTC)


def test_who_has_nothing_left_is_known_before_anything_starts():
    budget(BudgetScope.PROJECT, 1, max_cost_usd=1)
    budget(BudgetScope.SCHEDULE, 3, max_turns=1)
    budget(BudgetScope.SCHEDULE, 4, max_turns=1)
    spend("1")
    spent = budgets.exhausted(NOON)
    assert spent == Exhausted(project_ids=frozenset({1}), schedule_ids=frozenset({3}))
    assert spent.reason_for(1, None) == "A budget of this project is used up."
    assert spent.reason_for(2, 3) == "A budget of this schedule is used up."
    assert spent.reason_for(None, None) == ""
    budget(max_cost_usd=Decimal("0.5"))
    assert budgets.exhausted(NOON).reason_for(None, None) == "A budget of this install is used up."


def test_asking_who_is_exhausted_costs_one_query_where_there_are_no_budgets(django_assert_num_queries):
    with django_assert_num_queries(1):
        budgets.exhausted(NOON)


def test_today_is_added_up_for_the_install_a_project_or_a_schedule():
    spend("1")
    spend("2", spender=Spender(Activity.RUN_TURN, project_id=2, schedule_id=5))
    spend("4", NOON - timedelta(days=1))
    assert budgets.spent_today(NOON) == Spending(2, Decimal(3))
    assert budgets.spent_today(NOON, project_id=2) == Spending(1, Decimal(2))
    assert budgets.spent_today(NOON, schedule_id=3) == Spending(1, Decimal(1))


def test_a_second_budget_for_the_same_is_refused():
    budget(max_turns=1)
    with pytest.raises(IntegrityError):
        budget(max_turns=2)


def test_a_second_charge_with_the_same_key_is_ignored():
    charge_keys = [uuid4(), uuid4()]
    for charge_key in (charge_keys[0], charge_keys[0], charge_keys[1], None, None):
        cost = budgets.charge(RUN, Usage(1000), model="claude-haiku-5-5", now=NOON, charge_key=charge_key)
        assert cost > 0
    assert LedgerEntry.objects.count() == 4
