"""The engine and the offline model together, as on a fresh install without a key."""

from decimal import Decimal

import pytest

from agents.models import LedgerEntry
from agents.protocol.events import ToolFinished, TurnStarted
from agents.runtimes import breaker
from agents.states import FailureReason as R
from stagent.lib import clock
from tests.agents.conftest import finish, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(assign):
    """Return a function that lets a profile on the offline model work on a prompt."""
    return lambda prompt, **more: assign(prompt, runtime="anthropic", tools=["list_files", "report"], **more)


def test_it_answers_says_that_it_is_offline_and_costs_nothing(told):
    finished = finish(told("Hello, who are you?"))
    assert finished.outcome == "completed"
    assert "offline" in finished.text.lower()
    entry = LedgerEntry.objects.get()
    assert (entry.provider, entry.cost_usd) == ("offline", Decimal(0))
    assert entry.output_tokens > 0


def test_it_takes_as_many_turns_as_it_is_told(told):
    events = work(told("[[offline: turns=6]]"))
    assert [event.turn for event in events if isinstance(event, TurnStarted)] == [1, 2, 3, 4, 5, 6]
    assert sum(isinstance(event, ToolFinished) for event in events) == 5
    assert events[-1].outcome == "completed"


def test_it_answers_when_its_turns_are_used_up(told):
    finished = finish(told("[[offline: turns=30]]", max_turns=4))
    assert (finished.reason, finished.partial) == (R.TURN_LIMIT_EXCEEDED, True)
    assert finished.text


def test_it_reports(told):
    report = finish(told("[[offline: changed=no]]")).report
    assert report == {"changed": False, "severity": "info", "body": ""}


@pytest.mark.parametrize(
    ("order", "reason", "retryable"),
    [
        ("429=9 retry_after=70", R.RATE_LIMITED, True),
        ("529=9", R.OVERLOADED, True),
        ("badkey", R.AUTH_FAILED, False),
        ("spend", R.BUDGET_EXCEEDED, False),
        ("refusal", R.REFUSAL, False),
        ("empty", R.SDK_ERROR, True),
        ("cut=3", R.SDK_ERROR, True),
        ("drop=3", R.SDK_ERROR, True),
        ("drop=0", R.SDK_ERROR, True),
        ("stream_error=overloaded", R.OVERLOADED, True),
        ("fail=413", R.CONTEXT_WINDOW_EXCEEDED, False),
        ("fail=404", R.SDK_ERROR, False),
        ("tokens=40 stop=max_tokens", R.TRUNCATED, False),
        ("repeat=30", R.TURN_LIMIT_EXCEEDED, False),
    ],
)
def test_it_fails_in_every_way_it_is_told_to(told, order, reason, retryable):
    finished = finish(told(f"[[offline: {order}]]"))
    assert (finished.outcome, finished.reason, finished.retryable) == ("failed", reason, retryable)


def test_a_bad_key_is_the_offline_model_s_own_and_blocks_no_other_provider(told):
    finish(told("[[offline: badkey]]"))
    assert breaker.blocked_names(clock.now()) == {"offline"}
