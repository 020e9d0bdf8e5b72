"""What the provider does wrong, and how the run ends then."""

from datetime import timedelta
from decimal import Decimal

import httpx2
import pytest
from django.db import OperationalError

from agents.engine.model_turn import ModelCaller
from agents.models import LedgerEntry, Provider
from agents.protocol.events import TextDelta
from agents.runtimes import breaker
from agents.states import FailureReason as R
from agents.transcripts import transcript
from stagent.lib import clock
from stagent.lib.db import async_db
from tests.agents.conftest import finish, work
from tests.agents.provider import broken, error_event, fail, refuse, say, want

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("answer", "reason", "retryable"),
    [
        (refuse(429, "rate_limit_error"), R.RATE_LIMITED, True),
        (refuse(529, "overloaded_error"), R.OVERLOADED, True),
        (refuse(500, "api_error"), R.SDK_ERROR, True),
        (refuse(400, "invalid_request_error"), R.SDK_ERROR, False),
        (error_event("overloaded_error"), R.OVERLOADED, True),
        (error_event("overloaded_error", "Some words"), R.OVERLOADED, True),
        (fail(httpx2.ConnectError("refused")), R.SDK_ERROR, True),
        (fail(httpx2.ReadTimeout("silence")), R.TIMEOUT, True),
        (broken(""), R.SDK_ERROR, True),
        (broken("Some words"), R.SDK_ERROR, True),
        (broken("Some words", httpx2.RemoteProtocolError("cut")), R.SDK_ERROR, True),
        (broken("", httpx2.ReadTimeout("silence")), R.TIMEOUT, True),
        (broken("Some words", httpx2.ReadTimeout("silence")), R.TIMEOUT, True),
        (say("Some words", None), R.SDK_ERROR, True),
    ],
)  # fmt: skip
def test_a_failure_that_passes_is_tried_again(script, assign, answer, reason, retryable):
    script(answer)
    finished = finish(assign())
    assert (finished.outcome, finished.reason, finished.retryable) == ("failed", reason, retryable)
    assert finished.detail


def test_words_of_a_cut_stream_are_kept_and_shown(script, assign):
    script(broken("Some words"))
    assignment = assign()
    events = work(assignment)
    shown = "".join(event.text for event in events if isinstance(event, TextDelta))
    kept = "".join(
        row.data["text"] for row in transcript.read(assignment.transcript_id) if row.kind == "text_delta"
    )
    assert shown == kept == events[-1].text == "Some words"
    assert events[-1].partial
    assert "before the reply was complete" in events[-1].detail


def test_a_cut_stream_is_paid_for_as_far_as_it_came(script, assign):
    script(broken("word " * 70))
    finish(assign())
    entry = LedgerEntry.objects.get()
    assert entry.estimated
    assert entry.input_tokens == 100
    assert entry.output_tokens == pytest.approx(100, abs=5)
    assert entry.cost_usd > Decimal("0.002")


def test_a_request_that_was_refused_costs_nothing(script, assign):
    script(refuse(529, "overloaded_error"))
    finish(assign())
    assert not LedgerEntry.objects.exists()


def test_the_wait_that_the_provider_asks_for_reaches_everybody(script, assign):
    script(refuse(429, "rate_limit_error", retry_after="70"))
    finished = finish(assign())
    assert finished.retry_after_sec == 70
    assert breaker.blocked_names(clock.now()) == {"anthropic"}
    assert breaker.blocked_names(clock.now() + timedelta(seconds=71)) == set()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refuse(401, "authentication_error", "invalid x-api-key"), R.AUTH_FAILED),
        (refuse(429, "rate_limit_error", code="enforced_spend_limit_reached"), R.BUDGET_EXCEEDED),
    ],
)
def test_a_bad_key_and_a_spend_stop_open_the_breaker(script, assign, answer, reason):
    script(answer)
    finished = finish(assign())
    assert (finished.reason, finished.retryable) == (reason, False)
    provider = Provider.objects.get(name="anthropic")
    assert (provider.open_reason, provider.trips) == (reason, 1)
    assert finished.detail == provider.open_detail


def test_the_first_good_reply_closes_the_breaker(script, assign):
    breaker.trip("anthropic", "auth_failed", "bad key", clock.now())
    script(say("Hello."))
    finish(assign())
    assert breaker.blocked_names(clock.now()) == set()


def test_what_the_run_had_said_before_is_its_partial_answer(script, assign, echo_calls):
    script(want(("echo", {"say": "a"}), text="Looking."), refuse(500, "api_error"))
    finished = finish(assign())
    assert (finished.text, finished.partial, finished.retryable) == ("Looking.", True, True)


def test_a_reply_is_paid_once_though_nobody_heard_that_it_was(script, assign, monkeypatch):
    pay, trouble = (
        ModelCaller._charge_reply,
        [OperationalError("The server went away in the middle of the commit.")],
    )

    def fail_after_charge(turns, *charge):
        cost = pay(turns, *charge)
        if trouble:
            raise trouble.pop()
        return cost

    monkeypatch.setattr(ModelCaller, "_charge_reply", fail_after_charge)
    monkeypatch.setattr(async_db, "FIRST_DELAY_SEC", 0)
    script(want(("echo", {"say": "x"})), say("Done."))
    assert finish(assign()).text == "Done."
    assert trouble == []
    assert LedgerEntry.objects.count() == 2
