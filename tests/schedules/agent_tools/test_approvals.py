"""A schedule that an agent wants to make: shown to a person first, made once it is allowed."""

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from agents.approvals import approvals
from agents.models import Approval, Profile
from agents.spending.budgets import Spender
from agents.states import Activity
from agents.tools import registry
from agents.tools.base import ToolContext, ToolError
from schedules.agent_tools.approval_card import card
from schedules.models import Firing, Schedule
from stagent.lib import clock
from tests.agents.conftest import assign, finish, work  # noqa: F401 - a fixture
from tests.support.builders import a_profile, a_schedule
from tests.support.programs import Program

pytestmark = pytest.mark.django_db
NEW = {
    "name": "Watch",
    "prompt": "Look.",
    "cron": "0 9 * * *",
    "timezone": "Europe/Berlin",
    "profile": "tester",
}
SAID = "every day at 9 in Europe/Berlin list what failed"


@pytest.fixture
def alices(alice):
    a_profile()
    return ToolContext(user_id=alice.pk)


@pytest.fixture
def asking(assign, alice, monkeypatch):  # noqa: F811
    """An assistant at the offline model that works for Alice."""
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    spender = Spender(Activity.CHAT_TURN, message_id=1, user_id=alice.pk)

    def asking(prompt=SAID, **more):
        return assign(
            prompt, runtime="anthropic", tools=["*"], can_request_approval=True, spender=spender, **more
        )

    return asking


def lines(shown):
    return {line["label"]: line["value"] for line in shown["lines"]}


def test_the_card_says_when_where_and_what_it_will_use(alices):
    shown = card(alices, NEW | {"max_turns": 30})
    assert shown["title"] == "New schedule: Watch"
    assert (
        shown["text"]
        == "Allow the agent to create the schedule “Watch”: At 09:00, every day (Europe/Berlin)?"
    )
    told = lines(shown)
    assert (told["When"], told["Time zone"], told["Task"]) == (
        "At 09:00, every day",
        "Europe/Berlin",
        "Look.",
    )
    assert (told["Agent"], told["Max turns"]) == ("Tester", "30")
    assert told["Next firings"].count("09:00") == 3
    assert told["Expected"] == "About 30 steps and $0 a run; 7 runs a week"
    assert told["Guessed from"] == "The step limit: Tester has run no schedule yet; the offline model is free"
    assert told["Collisions"] == "None in the next 24 hours"
    assert shown["warnings"] == []
    assert not Schedule.objects.exists()


def test_the_expected_cost_comes_from_what_runs_have_cost(alices):
    old = a_schedule(clock.now())
    Schedule.objects.update(avg_turns_per_firing=10)
    Firing.objects.create(
        schedule=old, schedule_name=old.name, kind="scheduled", outcome="fired", nominal_at=clock.now(),
        due_at=clock.now(), turn_count=10, cost_usd=Decimal("0.5"),
    )  # fmt: skip
    told = lines(card(alices, NEW | {"cron": "0 */6 * * *"}))
    assert told["Expected"] == "About 10 steps and $0.50 a run; 4 runs a day, $2.00 in all"
    assert told["Guessed from"] == "What runs of Tester took"
    told = lines(card(alices, NEW | {"cron": "0 9 * * 1-5", "max_cost_usd": "0.2"}))
    assert told["Expected"] == "About 10 steps and $0.20 a run; 5 runs a week, $1.00 in all"


def test_where_no_run_had_a_price_the_card_says_that_none_is_known(alices, settings):
    settings.ANTHROPIC_API_KEY = "sk-none"
    told = lines(card(alices, NEW))
    assert told["Expected"] == "About 50 steps a run, its cost not known yet; 7 runs a week"
    assert told["Guessed from"].endswith("no run had a price so far")
    told = lines(card(alices, NEW | {"max_cost_usd": "0.5"}))
    assert "About 50 steps and at most $0.50 a run" in told["Expected"]


@pytest.fixture
def crowd(alices):
    """Two schedules that are far too much together, at nine each day."""
    for name in ("Big", "Huge"):
        a_schedule(clock.now(), name=name, cron="0 9 * * *", timezone="Europe/Berlin")
    Schedule.objects.update(avg_turns_per_firing=1600)
    return alices


def test_a_collision_is_a_warning_on_the_card(crowd):
    shown = card(crowd, NEW | {"cron": "0 9 * * *"})
    (warning,) = shown["warnings"]
    assert "Collisions" not in lines(shown)
    assert warning.startswith("At 09:00, “Watch” would wait about 20 min for one of 2 slots")
    assert "Together with “Big”, “Huge”." in warning
    assert "nobody would wait" in warning


def test_the_card_looks_as_far_as_the_console_and_the_api(crowd, alice):
    later = (clock.now() + timedelta(days=9)).astimezone(ZoneInfo("Europe/Berlin"))
    at = later.replace(hour=9, minute=0, second=0, microsecond=0).isoformat()
    once = {"name": "Once", "prompt": "P.", "at": at, "profile": "tester"}
    shown = card(crowd, once)
    assert shown["warnings"] == Program(alice).post("/schedules", once).json()["warnings"] == []
    assert lines(shown)["Collisions"] == "None in the next 24 hours"


def test_once_is_said_as_once(alices):
    at = (clock.now() + timedelta(days=3)).isoformat()
    told = lines(card(alices, {"name": "Once", "prompt": "P.", "at": at, "profile": "tester"}))
    assert told["When"].startswith("Once, on ")
    assert told["Expected"].endswith("a run; it runs once")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"cron": "61 * * * *"}, "cron"), ({"profile": "nobody"}, "profile"), ({"name": ""}, "name")],
)
def test_what_saving_would_refuse_is_refused_before_anybody_is_asked(alices, wrong, said):
    with pytest.raises(ToolError, match=said):
        card(alices, NEW | wrong)


def test_who_may_not_add_schedules_is_not_asked_either(charlie):
    a_profile()
    with pytest.raises(ToolError, match=r"schedules\.add_schedule"):
        card(ToolContext(user_id=charlie.pk), NEW)


def test_agents_make_no_schedules_for_profiles_that_make_schedules_unasked(alices):
    a_profile("free", tools=["*"], permissions={"create_schedule": "allow"})
    with pytest.raises(ToolError, match=r"Only a person.*create_schedule"):
        card(alices, NEW | {"profile": "free"})


def test_making_a_schedule_asks_unless_the_profile_allows_it():
    tool = registry.get("create_schedule")
    assert registry.asks(tool, {})
    assert not registry.asks(tool, {"create_schedule": "allow"})
    assert not any(registry.asks(registry.get(name), {}) for name in ("update_schedule", "run_schedule"))


@pytest.mark.django_db(transaction=True)  # the card is made in a thread of its own
def test_an_allowed_schedule_is_made_and_reported(asking, alice):
    Profile.objects.get_or_create(slug="assistant", defaults={"name": "Assistant"})
    assignment = asking()
    assert finish(assignment).outcome == "parked"
    approval = Approval.objects.get()
    assert (approval.tool, approval.user_id) == ("create_schedule", alice.pk)
    assert not Schedule.objects.exists()
    approvals.answer(approval.pk, alice, "allow")
    said = finish(assignment).text
    assert Schedule.objects.get().owner == alice
    assert f"Created **{Schedule.objects.get().name}**" in said
    assert "Next: " in said


@pytest.mark.django_db(transaction=True)
def test_a_denied_schedule_is_not_made_and_the_agent_says_so(asking, alice):
    Profile.objects.get_or_create(slug="assistant", defaults={"name": "Assistant"})
    assignment = asking()
    work(assignment)
    approvals.answer(Approval.objects.get().pk, alice, "deny", text="Ten is early enough.")
    said = finish(assignment).text
    assert said.startswith("I did not create the schedule ")
    assert "The person denied this call. They said: Ten is early enough." in said
    assert not Schedule.objects.exists()


def test_the_offline_model_asks_when_it_is_told_to(asking, alice):
    assignment = asking("Ask me: which colour?")
    work(assignment)
    approval = Approval.objects.get()
    assert approval.text == "Which colour?"
    approvals.answer(approval.pk, alice, "Blue")
    assert finish(assignment).text.startswith("The answer to “Which colour?” is: Blue")
