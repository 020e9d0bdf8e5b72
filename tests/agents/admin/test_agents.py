"""Profiles, budgets, the ledger and providers in the console."""

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
def empty_cache():
    cache.clear()


def spend(cost_tokens=1_000_000, **charged_to):
    spender = budgets.Spender(Activity.RUN_TURN, **charged_to)
    usage = Usage(input=cost_tokens, output=0)
    return budgets.charge(spender, usage, model="claude-opus-5-5", now=clock.now())


# Providers.


def test_an_open_breaker_shows_its_reason_and_can_be_closed(reader):
    breaker.trip("anthropic", "auth_failed", "invalid x-api-key", clock.now())
    page = reader.opens(PROVIDERS)
    assert "open invalid x-api-key in 4 min" in page
    reader.presses(PROVIDERS, action="close_breaker", _selected_action=[Provider.objects.get().pk])
    assert not breaker.blocked_names(clock.now())
    assert "closed" in reader.words
    assert LogEntry.objects.get().get_change_message() == "Breaker closed manually."


def test_a_rate_limit_can_be_cleared_too(reader):
    now = clock.now()
    breaker.block_until("anthropic", now.replace(year=now.year + 1))
    assert "rate limited" in reader.opens(PROVIDERS)
    reader.presses(PROVIDERS, action="close_breaker", _selected_action=[Provider.objects.get().pk])
    assert not breaker.blocked_names(clock.now())


# The ledger.


def test_today_is_totalled_and_every_reply_has_a_row(reader):
    cost = spend(run_id=7, schedule_id=3)
    page = reader.opens(LEDGER)
    assert f"Today ${cost:,.2f} 1 agent steps, 1,000k tokens" in page
    assert "schedule 3" in page
    assert "/admin/schedules/run/7/change/" in reader.html


def test_a_day_of_models_without_a_known_price_is_shown(reader):
    spender = budgets.Spender(Activity.RUN_TURN, run_id=7)
    assert budgets.charge(spender, Usage(input=5, output=1), model="of-tomorrow", now=clock.now()) is None
    page = reader.opens(LEDGER)
    assert "Today unknown 1 agent steps" in page
    assert "unknown" in page


def test_a_forced_bypass_stands_out_with_its_reason(reader):
    spender = budgets.Spender(Activity.MANUAL_FORCE_BYPASS, run_id=7)
    budgets.record_bypass(spender, {"reason": "The board meets at noon."}, clock.now())
    reader.opens(LEDGER)
    assert 'title="The board meets at noon.">forced' in reader.html


def test_entries_name_their_project_and_a_deleted_schedule(reader):
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


def test_a_project_budget_selects_the_project_by_name(reader):
    project = Project.objects.create(slug="shop", name="Web shop")
    reader.presses(f"{BUDGETS}add/", **a_form(scope="project", project=project.pk, max_cost_usd="5"))
    assert Budget.objects.get().subject_id == project.pk
    assert "project Web shop" in reader.opens(BUDGETS)


def test_a_change_keeps_the_project(reader):
    project = Project.objects.create(slug="shop", name="Web shop")
    budget = Budget.objects.create(scope="project", subject_id=project.pk, max_turns=10)
    page = f"{BUDGETS}{budget.pk}/change/"
    reader.opens(page)
    assert f'<option value="{project.pk}" selected>' in reader.html
    reader.presses(page, **a_form(scope="project", project=project.pk, max_turns="20"))
    budget.refresh_from_db()
    assert (budget.subject_id, budget.max_turns) == (project.pk, 20)


@pytest.mark.parametrize(
    ("typed", "field", "message"),
    [
        ({"scope": "project", "max_turns": "5"}, "project", "Select the project"),
        ({"scope": "schedule", "max_turns": "5"}, "subject_id", "Select the schedule"),
        ({}, "max_cost_usd", "in USD, in agent steps, or both"),
        ({"scope": "galaxy", "max_turns": "5"}, "scope", "Select a valid choice"),
    ],
)
def test_a_budget_without_limit_or_subject_is_refused(reader, typed, field, message):
    reader.presses(f"{BUDGETS}add/", **a_form(**typed))
    assert message in " ".join(reader.answer.context["adminform"].form.errors[field])
    assert not Budget.objects.exists()


def test_a_second_budget_of_the_same_scope_is_refused(reader):
    Budget.objects.create(scope="install", window="day", max_turns=10)
    reader.presses(f"{BUDGETS}add/", **a_form(max_turns="20"))
    assert reader.answer.status_code == 200
    assert Budget.objects.count() == 1


# Profiles.


def test_the_built_in_profiles_are_listed_with_their_tools(reader):
    page = reader.opens(PROFILES)
    assert "Assistant" in page
    assert "all tools" in page


def a_profile_form(**fields):
    return {
        "name": "Scout", "slug": "scout", "description": "", "instructions": "Look.", "runtime": "anthropic",
        "model": "", "tools": ["http_get", "report"], "permissions": "{}", "effort": "",
        "max_turns": "", "max_cost_usd": "", "max_output_tokens": "8192",
    } | fields  # fmt: skip


def test_ticked_tools_are_stored_by_name(reader):
    reader.presses(f"{PROFILES}add/", **a_profile_form())
    assert Profile.objects.get(slug="scout").tools == ["http_get", "report"]
    page = f"{PROFILES}{Profile.objects.get(slug='scout').pk}/change/"
    reader.opens(page)
    assert 'value="http_get" id="id_tools_' in reader.html.replace("\n", "")


@pytest.mark.parametrize("typed", ['{"shell": "perhaps"}', '{"no_such_tool": "allow"}', '["shell"]', "{"])
def test_invalid_permissions_are_refused(reader, typed):
    reader.presses(f"{PROFILES}add/", **a_profile_form(permissions=typed))
    assert reader.answer.context["adminform"].form.errors["permissions"]
    assert not Profile.objects.filter(slug="scout").exists()


def test_a_built_in_profile_can_be_duplicated(reader):
    shipped = Profile.objects.get(slug="reporter")
    reader.presses(PROFILES, action="duplicate", _selected_action=[shipped.pk])
    copy = Profile.objects.get(slug="reporter-2")
    assert (copy.instructions, copy.builtin) == (shipped.instructions, False)


def test_users_without_permission_see_nothing(client, bob):
    visitor = Reader(client, bob)
    for url in (BUDGETS, LEDGER, PROFILES, PROVIDERS):
        visitor.opens(url)
        assert visitor.answer.status_code == 403
