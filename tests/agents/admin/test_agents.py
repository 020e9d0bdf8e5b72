"""Agents in the console: profiles, budgets, what was spent, and how providers are doing."""

from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.core.cache import cache

from agents.models import Budget, Profile, Project, Provider
from agents.protocol.usage import Usage
from agents.runtimes import breaker
from agents.spending import budgets
from agents.states import Activity
from stagent.lib import clock
from tests.support.pages import Reader

pytestmark = pytest.mark.django_db
BUDGETS, LEDGER, PROFILES = "/admin/agents/budget/", "/admin/agents/ledgerentry/", "/admin/agents/profile/"
PROVIDERS = "/admin/agents/provider/"


@pytest.fixture(autouse=True)
def nothing_kept_from_before():
    cache.clear()


def spend(cost_tokens=1_000_000, **account):
    spender = budgets.Spender(Activity.RUN_TURN, **account)
    usage = Usage(input=cost_tokens, output=0)
    return budgets.charge(spender, usage, model="claude-opus-5-5", now=clock.now())


# Providers.


def test_an_open_breaker_says_why_and_can_be_closed_now(reader):
    breaker.trip("anthropic", "auth_failed", "invalid x-api-key", clock.now())
    page = reader.opens(PROVIDERS)
    assert "open invalid x-api-key in 4 min" in page
    reader.presses(PROVIDERS, action="close_now", _selected_action=[Provider.objects.get().pk])
    assert not breaker.blocked_names(clock.now())
    assert "closed" in reader.words
    assert LogEntry.objects.get().get_change_message() == "Closed the breaker by hand."


def test_asked_for_patience_can_be_forgotten_too(reader):
    now = clock.now()
    breaker.slow_down("anthropic", now.replace(year=now.year + 1))
    assert "patience" in reader.opens(PROVIDERS)
    reader.presses(PROVIDERS, action="close_now", _selected_action=[Provider.objects.get().pk])
    assert not breaker.blocked_names(clock.now())


# The ledger.


def test_today_is_added_up_and_every_reply_has_its_row(reader):
    cost = spend(run_id=7, schedule_id=3)
    page = reader.opens(LEDGER)
    assert f"Today ${cost:,.2f} 1 steps, 1,000k tokens" in page
    assert "schedule 3" in page
    assert "/admin/schedules/run/7/change/" in reader.html


def test_a_day_of_models_without_a_known_price_is_shown(reader):
    spender = budgets.Spender(Activity.RUN_TURN, run_id=7)
    assert budgets.charge(spender, Usage(input=5, output=1), model="of-tomorrow", now=clock.now()) is None
    page = reader.opens(LEDGER)
    assert "Today unknown 1 steps" in page
    assert "unknown" in page


def test_a_forced_bypass_stands_out_with_its_reason(reader):
    spender = budgets.Spender(Activity.MANUAL_FORCE_BYPASS, run_id=7)
    budgets.audit_bypass(spender, {"reason": "The board meets at noon."}, clock.now())
    reader.opens(LEDGER)
    assert 'title="The board meets at noon.">forced' in reader.html


def test_expenses_name_what_they_are_for_and_say_what_is_gone(reader):
    project = Project.objects.create(slug="shop", name="Web shop")
    spender = budgets.Spender(Activity.RUN_TURN, project_id=project.pk, schedule_id=404)
    budgets.charge(spender, Usage(input=1000), model="claude-opus-5-5", now=clock.now())
    page = reader.opens(LEDGER)
    assert "schedule 404, deleted · Web shop" in page
    assert "1 ledger entry" in page


def test_the_ledger_cannot_be_rewritten(reader):
    spend()
    assert "Add ledger" not in reader.opens(LEDGER)
    entry = f"{LEDGER}{budgets.LedgerEntry.objects.get().pk}"
    for verb in ("delete",):
        reader.opens(f"{entry}/{verb}/")
        assert reader.answer.status_code == 403
    reader.presses(f"{entry}/change/", cost_usd="0")
    assert reader.answer.status_code == 403


# Budgets.


def a_form(**fields):
    return {
        "scope": "install",
        "window": "day",
        "project": "",
        "subject_id": "",
        "max_turns": "",
        "max_cost_usd": "",
    } | fields


def test_a_budget_shows_how_much_of_it_is_used(reader):
    Budget.objects.create(scope="install", window="day", max_cost_usd=Decimal(20), max_turns=100)
    cost = spend()
    reader.opens(BUDGETS)
    assert "of $20.00 and 100 steps per day" in reader.words
    assert f"${cost:,.2f} and 1 steps" in reader.html


def test_a_budget_for_a_project_is_made_by_its_name(reader):
    project = Project.objects.create(slug="shop", name="Web shop")
    reader.presses(f"{BUDGETS}add/", **a_form(scope="project", project=project.pk, max_cost_usd="5"))
    assert Budget.objects.get().subject_id == project.pk
    assert "project Web shop" in reader.opens(BUDGETS)


def test_changing_it_keeps_whose_it_is(reader):
    project = Project.objects.create(slug="shop", name="Web shop")
    budget = Budget.objects.create(scope="project", subject_id=project.pk, max_turns=10)
    page = f"{BUDGETS}{budget.pk}/change/"
    reader.opens(page)
    assert f'<option value="{project.pk}" selected>' in reader.html
    reader.presses(page, **a_form(scope="project", project=project.pk, max_turns="20"))
    budget.refresh_from_db()
    assert (budget.subject_id, budget.max_turns) == (project.pk, 20)


@pytest.mark.parametrize(
    ("typed", "field", "says"),
    [
        ({"scope": "project", "max_turns": "5"}, "project", "Say which project"),
        ({"scope": "schedule", "max_turns": "5"}, "subject_id", "Say which schedule"),
        ({}, "max_cost_usd", "limits money, agent steps or both"),
        ({"scope": "galaxy", "max_turns": "5"}, "scope", "Select a valid choice"),
    ],
)
def test_a_budget_that_limits_nothing_or_nobody_is_refused(reader, typed, field, says):
    reader.presses(f"{BUDGETS}add/", **a_form(**typed))
    assert says in " ".join(reader.answer.context["adminform"].form.errors[field])
    assert not Budget.objects.exists()


def test_a_second_budget_for_the_same_is_refused_in_words(reader):
    Budget.objects.create(scope="install", window="day", max_turns=10)
    reader.presses(f"{BUDGETS}add/", **a_form(max_turns="20"))
    assert reader.answer.status_code == 200
    assert Budget.objects.count() == 1


# Profiles.


def test_the_shipped_profiles_are_there_with_their_tools(reader):
    page = reader.opens(PROFILES)
    assert "Assistant" in page
    assert "every tool" in page


def a_profile_form(**fields):
    return {
        "name": "Scout", "slug": "scout", "description": "", "instructions": "Look.", "runtime": "anthropic",
        "model": "", "tools": ["http_get", "report"], "permissions": "{}", "effort": "",
        "max_turns": "", "max_cost_usd": "", "max_output_tokens": "8192",
    } | fields  # fmt: skip


def test_tools_are_ticked_and_kept_as_names(reader):
    reader.presses(f"{PROFILES}add/", **a_profile_form())
    assert Profile.objects.get(slug="scout").tools == ["http_get", "report"]
    page = f"{PROFILES}{Profile.objects.get(slug='scout').pk}/change/"
    reader.opens(page)
    assert 'value="http_get" id="id_tools_' in reader.html.replace("\n", "")


@pytest.mark.parametrize("typed", ['{"shell": "perhaps"}', '{"no_such_tool": "allow"}', '["shell"]', "{"])
def test_permissions_that_mean_nothing_are_refused(reader, typed):
    reader.presses(f"{PROFILES}add/", **a_profile_form(permissions=typed))
    assert reader.answer.context["adminform"].form.errors["permissions"]
    assert not Profile.objects.filter(slug="scout").exists()


def test_a_shipped_profile_is_copied_to_be_changed(reader):
    shipped = Profile.objects.get(slug="reporter")
    reader.presses(PROFILES, action="duplicate", _selected_action=[shipped.pk])
    copy = Profile.objects.get(slug="reporter-2")
    assert (copy.instructions, copy.builtin) == (shipped.instructions, False)


def test_who_may_not_sees_none_of_it(client, bob):
    theirs = Reader(client, bob)
    for url in (BUDGETS, LEDGER, PROFILES, PROVIDERS):
        theirs.opens(url)
        assert theirs.answer.status_code == 403
