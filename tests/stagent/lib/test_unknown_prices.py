"""A price that nobody knows is never shown as 0: a part is "unknown", a sum of known parts "at least"."""

import json
import logging
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.core.management import call_command

from agents.admin.budgets import meter
from agents.errors import BudgetExceeded
from agents.models import Budget, LedgerEntry
from agents.offline.assistant.formatting import money
from agents.protocol.usage import Usage
from agents.spending import budgets
from agents.states import BudgetScope, BudgetWindow
from schedules.models import CounterTotal, Delivery, Firing, Run, Schedule
from schedules.models.spending import spender
from schedules.states import Outcome, RunStatus
from schedules.transitions import Ending, finish
from stagent.lib import clock
from stagent.lib.text import UNKNOWN
from stagent.lib.web import formatting
from stagent.ops import audit
from tests.support.builders import a_running_run, a_schedule, has_worked
from tests.support.programs import Program

pytestmark = pytest.mark.django_db

AT_LEAST, KNOWN = "at least $0.0200", Decimal("0.02")
ADDRESS = {"webhook_url": "https://example.org/hook"}


@pytest.fixture(autouse=True)
def no_sums_of_before():
    cache.clear()


def a_run_at(*costs: Decimal | None) -> Run:
    """A run of today that ended, with a step at each of these costs."""
    now = clock.now()
    schedule = a_schedule(now, cron="0 * * * *", timezone="UTC", **ADDRESS)
    firing = Firing.objects.create(
        schedule=schedule, schedule_name=schedule.name, kind="scheduled", outcome=Outcome.FIRED,
        nominal_at=now, due_at=now, fired_at=now,
    )  # fmt: skip
    run, claim = a_running_run(schedule, now, firing=firing)
    for number, cost in enumerate(costs, start=1):
        has_worked(claim, number, cost_usd=Decimal(0), now=now)
        LedgerEntry.objects.filter(pk=LedgerEntry.objects.latest("pk").pk).update(cost_usd=cost)
    return finish(run.pk, claim.token, Ending(RunStatus.COMPLETED, worked_ms=1000), now=now)


@pytest.mark.parametrize(
    ("amount", "unpriced", "said"),
    [
        (None, 0, UNKNOWN),
        (Decimal(0), 1, UNKNOWN),
        (KNOWN, 1, AT_LEAST),
        (KNOWN, 0, "$0.0200"),
        (Decimal(0), 0, "$0.00"),
        (Decimal("1234.5"), 2, "at least $1,234.50"),
    ],
)
def test_the_rule(amount, unpriced, said):
    assert formatting.money(amount, unpriced) == said
    assert said in formatting.cost(amount, unpriced)


@pytest.mark.parametrize(
    ("costs", "said"), [([None], UNKNOWN), ([KNOWN, None], AT_LEAST), ([KNOWN], "$0.0200")]
)
def test_pages_of_the_console(reader, costs, said):
    run = a_run_at(*costs)
    run_page = f"/admin/schedules/run/{run.pk}/change/"
    for page in (run_page, "/admin/schedules/run/", "/admin/", "/admin/agents/ledgerentry/"):
        told = reader.opens(page)
        assert said in told, page
        assert ("at least" in told) == (said == AT_LEAST), page
    one = "$0.0200" if None not in costs else UNKNOWN
    firing = Firing.objects.get(run=run)
    for page in (
        "/admin/schedules/firing/",
        f"/admin/schedules/firing/{firing.pk}/change/",
        f"/admin/schedules/schedule/{run.schedule_id}/change/",
    ):
        assert one in reader.opens(page), page


@pytest.mark.parametrize(("costs", "known"), [([None], None), ([KNOWN, None], None), ([KNOWN], 0.02)])
def test_rows_of_the_api_a_sheet_and_what_is_told_outside(alice, costs, known):
    run, api = a_run_at(*costs), Program(alice)
    assert api.get(f"/runs/{run.pk}").json()["cost_usd"] == known
    assert api.get("/firings").json()["items"][0]["cost_usd"] == known
    sheet = api.get("/firings?format=csv").getvalue().decode().splitlines()
    cost = sheet[1].split(",")[sheet[0].split(",").index("cost_usd")]
    assert (float(cost) if cost else None) == known
    assert Delivery.objects.get(channel="webhook").payload["cost_usd"] == known
    assert list(audit.differences(clock.now() - timedelta(hours=1))) == []


def test_the_log(caplog, django_capture_on_commit_callbacks):
    with (
        caplog.at_level(logging.INFO, "schedules.monitoring.log_lines"),
        django_capture_on_commit_callbacks(execute=True),
    ):
        a_run_at(KNOWN, None)
        a_run_at(None)
    told = [line for line in caplog.messages if "completed" in line]
    assert [line.rpartition(", ")[2] for line in told] == [f"{AT_LEAST}.", f"{UNKNOWN}."]


def test_budgets():
    run = a_run_at(KNOWN, None)
    budget = Budget.objects.create(
        scope=BudgetScope.INSTALL, window=BudgetWindow.DAY, max_cost_usd=Decimal("0.01")
    )
    spent = budgets.spent_in_window(budget, clock.now())
    assert "at least $0.02 and 2 steps" in meter(budget, spent)
    with pytest.raises(BudgetExceeded, match=r"at least \$0\.0200 of \$0\.0100 spent"):
        budgets.check(spender(run), Decimal(0), clock.now())


def test_totals_count_what_is_in_no_sum(client, alice):
    client.force_login(alice)
    CounterTotal.objects.all().delete()  # count from the beginning
    a_run_at(KNOWN, None)
    lines = client.get("/metrics").content.decode().splitlines()
    assert 'stagent_cost_usd_total{activity="run_turn"} 0.02' in lines
    assert 'stagent_unpriced_turns_total{activity="run_turn"} 1.0' in lines


def test_the_forecast(alice, reader, capsys):
    a_run_at(None)
    shown = Program(alice).get("/forecast").json()
    assert shown["cost_usd"] is None
    assert {day["cost_usd"] for day in shown["days"] if day["runs"]} == {None}
    assert UNKNOWN in reader.opens("/admin/forecast/")
    call_command("forecast")
    assert UNKNOWN in capsys.readouterr().out
    call_command("forecast", "--json")
    assert json.loads(capsys.readouterr().out)["cost_usd"] is None
    dear = a_schedule(clock.now(), name="Dear", cron="30 * * * *", timezone="UTC")
    Firing.objects.filter(pk=Firing.objects.latest("pk").pk).update(schedule=dear, cost_usd=KNOWN)
    Schedule.objects.exclude(pk=dear.pk).update(status="paused", next_fire_at=None, next_nominal_at=None)
    assert Program(alice).get("/forecast").json()["cost_usd"] > 0


def test_what_the_offline_model_tells():
    assert (money(None), money(0.02), money(0)) == (UNKNOWN, "$0.0200", "")
    assert budgets.charge(spender(a_run_at()), Usage(1, 1), model="of-tomorrow", now=clock.now()) is None
