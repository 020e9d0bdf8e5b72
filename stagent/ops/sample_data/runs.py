"""A month of work: firings, and the newest runs with events, approvals, deliveries and costs."""

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import batched
from random import Random
from typing import Any, NamedTuple

from agents.models import Approval, Event, LedgerEntry, Transcript
from agents.states import Activity, ApprovalKind, ApprovalStatus, FailureReason
from schedules.models import Delivery, Firing, Run, Schedule
from schedules.states import FiringKind, Outcome, RunStatus, Source
from stagent.ops.sample_data.bulk_copy import Values, copy_all, copy_rows, numbers

MONTH = timedelta(days=30)
MS = timedelta(milliseconds=1)
TOLD_EVERY = 5  # batches
QUEUED = 60  # runs
WAITING = 20  # runs, each with a question
TOLD = 50  # one run in so many kept what it said
ASKED = 20  # one run in so many asked a person, who answered
DELIVERED = 10  # one run in so many was sent out
LONG = 5_000  # events of the newest run, where there are many runs
MANY = 1_000
AS_SCHEDULED = {"kind": FiringKind.SCHEDULED}
RESULT = "Nothing unusual; three things to look at."
MISSED = (Outcome.SKIPPED_OVERLAP, Outcome.COALESCED, Outcome.SKIPPED_MISFIRE, Outcome.SKIPPED_BUDGET)
FAILURES = (
    FailureReason.TURN_LIMIT_EXCEEDED, FailureReason.TIMEOUT, FailureReason.RATE_LIMITED,
    FailureReason.TOOL_ERROR, FailureReason.WORKER_LOST,
)  # fmt: skip


class SampleFiring(NamedTuple):
    """A row of the firings."""

    id: int
    schedule_id: int
    schedule_name: str
    nominal_at: datetime
    due_at: datetime
    outcome: str
    reason: str = ""
    fired_at: datetime | None = None
    slot_claimed_at: datetime | None = None
    completed_at: datetime | None = None
    slot_wait_ms: int | None = None
    duration_ms: int | None = None
    deferral_ms: int | None = None
    turn_count: int | None = None
    max_turns_at_firing: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None
    event_loop_lag_ms: float | None = None
    peak_rss_mb: float | None = None
    chat_streams_active: int | None = None
    concurrent_runs: int | None = None
    failure_reason: str = ""


def fill_runs(
    firings: int, runs: int, schedules: Sequence[Schedule], now: datetime, dice: Random
) -> Iterator[str]:
    """Write firings over the month, the schedules in turn, then the runs; report the progress."""
    newest: deque[SampleFiring] = deque(maxlen=runs)
    rows = _firings(firings, schedules, newest, now, dice)
    for number, done in enumerate(copy_rows(Firing, SampleFiring._fields, rows, AS_SCHEDULED), start=1):
        if number % TOLD_EVERY == 0 or done == firings:
            yield f"{done:,} firings"
    by_id = {schedule.pk: schedule for schedule in schedules}
    done = 0
    for some in batched(newest, MANY):
        _write([_ended(by_id[fired.schedule_id], fired) for fired in some], last=some[-1] is newest[-1])
        done += len(some)
        if done % (20 * MANY) == 0 or done == len(newest):
            yield f"{done:,} runs"
    _write([_queued(dice.choice(schedules), now - MS * dice.randrange(900_000)) for _ in range(QUEUED)])
    _write([_waiting(schedule, now) for schedule in schedules[:WAITING]])


def _firings(
    many: int, schedules: Sequence[Schedule], newest: deque[SampleFiring], now: datetime, dice: Random
) -> Iterator[SampleFiring]:
    """Build them one by one, and keep the newest finished ones."""
    gap, ids = MONTH / max(1, many), numbers(Firing)
    for number in range(many):
        fired = _firing(
            next(ids), schedules[number % len(schedules)], now - MONTH + gap * number, dice.random
        )
        if fired.completed_at and fired.completed_at <= now:
            newest.append(fired)
        yield fired


def _firing(number: int, schedule: Schedule, nominal: datetime, dice: Any) -> SampleFiring:
    about = (number, schedule.pk, schedule.name, nominal, nominal)
    if dice() < 0.04:
        return SampleFiring(*about, MISSED[int(4 * dice())], "As it happens in a month.")
    wait, took = int(30_000 * dice() ** 3), 900 + int(300_000 * dice() ** 3)
    fired_at = nominal + MS * (1 + int(40 * dice()))
    claimed = fired_at + MS * wait
    return SampleFiring(
        *about, Outcome.FIRED, "", fired_at, claimed, claimed + MS * took, wait, took, 0,
        1 + int(99 * dice()), 120, 900 + int(90_000 * dice()), 90 + int(9_000 * dice()),
        Decimal(1 + int(90_000 * dice())).scaleb(-5), 0.2 + 9 * dice(), 120 + 70 * dice(), 0,
        1 + int(2 * dice()), FAILURES[int(5 * dice())] if dice() < 0.06 else "",
    )  # fmt: skip


class SampleRun(NamedTuple):
    """A row of the runs."""

    id: int
    transcript_id: int
    schedule_id: int
    schedule_name: str
    profile_id: int
    project_id: int | None
    prompt: str
    status: str
    queued_at: datetime
    due_at: datetime
    claim_order: datetime
    firing_id: int | None = None
    started_at: datetime | None = None
    slot_claimed_at: datetime | None = None
    finished_at: datetime | None = None
    waiting_since: datetime | None = None
    failure_reason: str = ""
    result: str = ""
    attempt: int = 0
    turn_count: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)


def _queued(schedule: Schedule, moment: datetime, status: str = RunStatus.QUEUED) -> SampleRun:
    return SampleRun(
        0, 0, schedule.pk, schedule.name, schedule.profile_id, schedule.project_id, schedule.prompt, status,
        moment, moment, moment,
    )  # fmt: skip


def _waiting(schedule: Schedule, now: datetime) -> SampleRun:
    began = now - 600_000 * MS
    run = _queued(schedule, began, RunStatus.WAITING)
    return run._replace(attempt=1, started_at=began, waiting_since=now - 300_000 * MS)


def _ended(schedule: Schedule, fired: SampleFiring) -> SampleRun:
    status = RunStatus.FAILED if fired.failure_reason else RunStatus.COMPLETED
    return _queued(schedule, fired.fired_at or fired.nominal_at, status)._replace(
        firing_id=fired.id, started_at=fired.slot_claimed_at, slot_claimed_at=fired.slot_claimed_at,
        finished_at=fired.completed_at, failure_reason=fired.failure_reason, result=RESULT, attempt=1,
        turn_count=fired.turn_count or 0, input_tokens=fired.input_tokens or 0,
        output_tokens=fired.output_tokens or 0, cost_usd=fired.cost_usd or Decimal(0),
    )  # fmt: skip


def _write(rows: Sequence[SampleRun], *, last: bool = False) -> None:
    """Write runs with transcripts, events, approvals, deliveries and ledger rows."""
    ids, logs = numbers(Run), numbers(Transcript)
    runs = [run._replace(id=next(ids), transcript_id=next(logs)) for run in rows]
    said = {
        run.id: said for number, run in enumerate(runs) if (said := _events(run, number, last, len(runs)))
    }
    transcripts = ((run.transcript_id, len(said.get(run.id, ())), run.queued_at) for run in runs)
    copy_all(Transcript, ("id", "last_seq", "created_at"), transcripts)
    copy_all(Run, SampleRun._fields, runs, {"source": Source.SCHEDULED})
    events = (
        (run.transcript_id, seq, kind, data, run.queued_at + seq * MS)
        for run in runs
        for seq, (kind, data) in enumerate(said.get(run.id, ()), start=1)
    )
    copy_all(Event, ("transcript_id", "seq", "kind", "data", "at"), events)
    copy_all(LedgerEntry, SPENT, (_spent(run) for run in runs if run.finished_at), SPENT_ON)
    asking = [run for number, run in enumerate(runs) if run.waiting_since or _every(ASKED, number, run)]
    copy_all(Approval, QUESTION, map(_approval, asking), TO_READ)
    told = [run for number, run in enumerate(runs) if _every(DELIVERED, number, run)]
    copy_all(Delivery, DELIVERY, map(_delivery, told), BY_MAIL)


def _every(nth: int, number: int, run: SampleRun) -> bool:
    return number % nth == 0 and run.finished_at is not None


def _events(run: SampleRun, number: int, last: bool, many: int) -> list[tuple[str, dict[str, Any]]]:
    """Return the events of a run: of one in some, and very many of the last."""
    if last and number == many - 1 and many == MANY:
        turns = range(1, LONG // 4 + 1)
        return [event for turn in turns for event in _turn(turn)]
    return _turn(1)[:2] if _every(TOLD, number, run) else []


def _turn(turn: int) -> list[tuple[str, dict[str, Any]]]:
    call = {"call_id": f"call_{turn}", "name": "read_file"}
    return [
        ("turn_started", {"turn": turn}),
        ("text_delta", {"turn": turn, "text": RESULT}),
        ("tool_started", {"turn": turn, "arguments": {"path": f"notes/{turn}.md"}, **call}),
        ("tool_finished", {"is_error": False, "result": RESULT * 5, "duration_ms": 12, **call}),
    ]


SPENT = (
    "at", "run_id", "project_id", "schedule_id", "input_tokens", "output_tokens", "cost_usd",
)  # fmt: skip
SPENT_ON = {"activity": Activity.RUN_TURN, "provider": "offline", "model": "offline"}


def _spent(run: SampleRun) -> Values:
    return (
        run.finished_at, run.id, run.project_id, run.schedule_id, run.input_tokens, run.output_tokens,
        run.cost_usd,
    )  # fmt: skip


TO_READ = {"kind": ApprovalKind.TOOL_CALL, "turn": 1, "tool": "http_get"}
QUESTION = (
    "transcript_id", "run_id", "call_id", "text", "status", "asked_at", "expires_at", "answered_at",
)  # fmt: skip


def _approval(run: SampleRun) -> Values:
    asked = run.waiting_since or run.queued_at
    status = ApprovalStatus.OPEN if run.waiting_since else ApprovalStatus.ALLOWED
    return (
        run.transcript_id, run.id, "call_1", f"May it read the news for “{run.schedule_name}”?", status,
        asked, asked + timedelta(days=1), None if run.waiting_since else run.finished_at,
    )  # fmt: skip


BY_MAIL = {"kind": Delivery.Kind.RESULT, "channel": "email", "status": "delivered"}
DELIVERY = ("schedule_id", "run_id", "target", "next_attempt_at", "created_at", "delivered_at", "payload")


def _delivery(run: SampleRun) -> Values:
    moment = run.finished_at
    return run.schedule_id, run.id, "somebody@example.invalid", moment, moment, moment, _news(run)


def _news(run: SampleRun) -> dict[str, Any]:
    """Return the payload that `schedules.deliveries.outbox` would write."""
    assert run.finished_at is not None
    return {
        "type": Delivery.Kind.RESULT.value, "schedule_id": str(run.schedule_id),
        "schedule_name": run.schedule_name, "timezone": "UTC", "run_id": str(run.id),
        "transcript_id": str(run.transcript_id),
        "project_id": None if run.project_id is None else str(run.project_id), "profile": "",
        "source": Source.SCHEDULED.value, "prompt": run.prompt, "nominal_at": run.queued_at.isoformat(),
        "fired_at": run.queued_at.isoformat(), "finished_at": run.finished_at.isoformat(),
        "status": str(run.status), "failure_reason": run.failure_reason or None, "failure_detail": None,
        "result": run.result, "result_partial": bool(run.failure_reason), "report": None,
        "turn_count": run.turn_count, "cost_usd": float(run.cost_usd),
    }  # fmt: skip
