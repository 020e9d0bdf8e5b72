"""Books agree whoever ends a run or reply, what a dead worker left is paid once, a difference is named."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from agents.models import LedgerEntry, ModelPrice
from agents.protocol.events import Finished, ReplyStarted, TextDelta, TurnFinished, TurnStarted
from agents.protocol.usage import Usage
from agents.spending import budgets
from agents.states import FailureKind
from agents.transcripts import transcript
from chat import spending
from chat.models import Message
from chat.transitions import request_stop
from chat.worker import reconcile
from schedules import conf
from schedules.dispatch import reaper
from schedules.dispatch.reaper import MAX_LOST
from schedules.execution import outcome
from schedules.models import Delivery, Firing, Run
from schedules.models.spending import spender
from schedules.states import FiringKind, Outcome, RunStatus
from schedules.transitions import Claim, Ending, claim, fail_queued, finish, request_cancel, requeue, withdraw
from stagent.ops import audit
from tests.support.builders import NOON, a_running_run, a_schedule
from tests.support.talking import TTL, begins, says, writes

pytestmark = pytest.mark.django_db

type End = Callable[[Run, Claim], None]

MODEL = "priced"
ASKED = Usage(input=1000, output=50)
LAPSED = NOON + timedelta(seconds=61)
CALL = {"type": "tool_use", "id": "c1", "name": "look", "input": {}}
HALF = "Half an answ"


@pytest.fixture(autouse=True)
def _priced() -> None:
    ModelPrice.objects.create(prefix=MODEL, input_usd=1, output_usd=5)


def a_turn(number: int, *content: dict[str, object], stop: str = "tool_use") -> TurnFinished:
    cost = Decimal("0.00125")
    return TurnFinished(number, list(content), stop, ASKED, cost, MODEL, provider="anthropic")


def begins_to_answer(number: int, charge_key: UUID) -> list[object]:
    started = ReplyStarted(number, charge_key.hex, Usage(input=1000), MODEL, "anthropic")
    return [TurnStarted(number), started, TextDelta(number, HALF)]


def pays(who: budgets.Spender, charge_key: UUID | None = None) -> None:
    budgets.charge(who, ASKED, model=MODEL, now=NOON, charge_key=charge_key)


def a_run_whose_worker_died(*, kills: int = 1) -> tuple[Run, Claim]:
    """One step whole and paid, then as many attempts that broke off while the model was speaking."""
    schedule = a_schedule(webhook_url="https://example.org/hook", deliver_to_chat=False)
    firing = Firing.objects.create(
        schedule=schedule, schedule_name=schedule.name, kind=FiringKind.SCHEDULED, nominal_at=NOON,
        due_at=NOON, outcome=Outcome.FIRED, fired_at=NOON,
    )  # fmt: skip
    run, held = a_running_run(schedule, firing=firing)
    pays(spender(run))
    first = a_turn(1, {"type": "text", "text": "Let me see."}, CALL)
    transcript.append(held.transcript_id, held.token, [TurnStarted(1), first], NOON)
    for kill in range(1, kills + 1):
        transcript.append(held.transcript_id, held.token, begins_to_answer(2, uuid4()), NOON)
        if kill < kills:
            requeue(run.pk, held.token, now=NOON, attempt=-1)
            run.refresh_from_db()
            held = claim(run, holder="worker", now=NOON, conf=conf.load())
    run.refresh_from_db()
    return run, held


def _lost(run: Run, held: Claim) -> None:
    Run.objects.filter(pk=run.pk).update(lost_count=MAX_LOST)
    reaper.reap(LAPSED)


def _out_of_time(run: Run, held: Claim) -> None:
    Run.objects.filter(pk=run.pk).update(worked_ms=10**7)
    reaper.reap(LAPSED)


def _cancelled(run: Run, held: Claim) -> None:
    request_cancel(run.pk, reason="Not wanted.", now=NOON)
    reaper.reap(LAPSED)


def _withdrawn(run: Run, held: Claim) -> None:
    reaper.reap(LAPSED)
    assert withdraw(run.pk, now=LAPSED, reason="Not wanted.")


def _given_up(run: Run, held: Claim) -> None:
    reaper.reap(LAPSED)
    assert fail_queued(run.pk, now=LAPSED, kind=FailureKind.UNREACHABLE, detail="")


def _by_its_worker(run: Run, held: Claim) -> None:
    finish(run.pk, held.token, Ending(RunStatus.FAILED, kind=FailureKind.UNEXPECTED), now=LAPSED)


ENDS = [_lost, _out_of_time, _cancelled, _withdrawn, _given_up, _by_its_worker]


@pytest.mark.parametrize("kills", [1, 3])
@pytest.mark.parametrize("end", ENDS)
def test_the_books_of_a_run_agree_whoever_ends_it(end: End, kills: int) -> None:
    run, held = a_run_whose_worker_died(kills=kills)
    end(run, held)
    run.refresh_from_db()
    assert run.finished
    assert list(audit.differences()) == []
    guessed = round(len(HALF) / 3.5)
    assert (run.turn_count, run.input_tokens) == (1, 1000 + kills * 1000)
    assert run.output_tokens == 50 + kills * guessed
    assert LedgerEntry.objects.filter(estimated=True).count() == kills
    assert run.result == HALF, "what was said is kept"
    assert run.result_partial
    assert Delivery.objects.count() == (run.status != RunStatus.CANCELLED)


def test_a_worker_that_was_given_up_too_early_pays_nothing_twice() -> None:
    run, held = a_run_whose_worker_died()
    charge_key = UUID(transcript.read(held.transcript_id)[-2].data["charge_key"])
    _lost(run, held)
    assert not transcript.lock(held.transcript_id, held.token)
    pays(spender(run).after_takeover(), charge_key)
    assert LedgerEntry.objects.filter(charge_key=charge_key).count() == 1
    assert list(audit.differences()) == []


def test_what_a_worker_pays_too_late_is_an_expense_of_the_schedule_and_not_of_the_ended_run() -> None:
    run, held = a_run_whose_worker_died()
    _lost(run, held)
    pays(spender(run).after_takeover(), uuid4())
    late = LedgerEntry.objects.get(run_id=None)
    assert (late.schedule_id, late.detail) == (
        run.schedule_id, {"too_late_for": {"run_id": run.pk, "message_id": None}},
    )  # fmt: skip
    assert list(audit.differences()) == []


ANSWER = {"type": "text", "text": "All is well."}
WHOLE = [TurnStarted(1), a_turn(1, ANSWER, stop="end_turn")]
SAID = [*WHOLE, Finished("completed", text="All is well.")]


def _handed_back(run: Run, held: Claim) -> None:
    outcome.release(held, 10)


def _lost_once(run: Run, held: Claim) -> None:
    reaper.reap(LAPSED)


@pytest.mark.parametrize("log", [WHOLE, SAID], ids=["the answer", "and that it is the end"])
@pytest.mark.parametrize("end", [_lost_once, _lost, _out_of_time, _handed_back])
def test_an_answer_that_is_whole_in_the_log_is_delivered(end: End, log: list) -> None:
    run, held = a_running_run(a_schedule(webhook_url="https://example.org/hook"))
    pays(spender(run))
    transcript.append(held.transcript_id, held.token, log, NOON)
    end(run, held)
    run.refresh_from_db()
    assert (run.status, run.result, run.failure_reason) == (RunStatus.COMPLETED, "All is well.", "")
    assert (run.turn_count, run.result_partial) == (1, False)
    assert Delivery.objects.get().payload["result"] == "All is well."
    assert list(audit.differences()) == []


def test_a_reply_that_waits_for_a_tool_is_no_answer() -> None:
    run, held = a_running_run()
    transcript.append(held.transcript_id, held.token, [TurnStarted(1), a_turn(1, ANSWER, CALL)], NOON)
    reaper.reap(LAPSED)
    run.refresh_from_db()
    assert (run.status, run.lost_count) == (RunStatus.QUEUED, 1)


def test_a_reconciled_reply_is_paid_for_as_far_as_it_was_shown(alice) -> None:
    held = begins(says(alice).reply_id, holder="web@elsewhere:1:abc")
    writes(held, *begins_to_answer(1, uuid4()))
    reconcile.finalise_stale(NOON + TTL)
    reply = Message.objects.get(pk=held.message_id)
    assert (reply.status, reply.text, reply.input_tokens) == ("interrupted", HALF, 1000)
    assert reply.cost_usd == Decimal("0.00101500")
    assert list(audit.differences()) == []


@pytest.mark.parametrize("stop", [False, True])
def test_a_reply_whose_answer_is_whole_is_complete_whoever_finds_its_worker_gone(alice, stop: bool) -> None:
    held = begins(says(alice).reply_id, holder="web@elsewhere:1:abc")
    pays(spending.spender(Message.objects.get(pk=held.message_id)))
    writes(held, TurnStarted(1), "All is well.", a_turn(1, ANSWER, stop="end_turn"))
    if stop:
        request_stop(alice, str(held.message_id), now=NOON)
    reconcile.finalise_stale(NOON + TTL)
    reply = Message.objects.get(pk=held.message_id)
    assert (reply.status, reply.text) == ("stopped" if stop else "complete", "All is well.")
    assert (reply.input_tokens, reply.notice) == (1000, "Stopped." if stop else "")
    assert list(audit.differences()) == []


def test_every_difference_is_named() -> None:
    run, held = a_run_whose_worker_died()
    _lost(run, held)
    Run.objects.filter(pk=run.pk).update(turn_count=9, cost_usd=3, result="Something else.")
    LedgerEntry.objects.filter(estimated=True).delete()
    named = {difference.what for difference in audit.differences()}
    assert named >= {
        "steps and finished turns of its log", "cost_usd and the ledger", "replies nobody paid for",
        "turn_count and its firing's", "cost_usd and its firing's",
        f"result and that in webhook delivery {Delivery.objects.get().pk}",
    }  # fmt: skip
    assert not list(audit.differences(since=timezone.now() + timedelta(days=999)))
