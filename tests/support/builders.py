"""Things to test with: real rows, made through the product's own doors, at a moment that is handed in."""

from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from agents.approvals import approvals, standing
from agents.approvals.approvals import ApprovalRequest
from agents.models import Approval, LedgerEntry, Profile
from agents.protocol.events import TurnFinished
from agents.protocol.usage import Usage
from agents.spending.budgets import Spender
from agents.states import ApprovalKind
from agents.transcripts import transcript
from schedules import conf
from schedules.capacity import conditions
from schedules.capacity.conditions import StartConditions
from schedules.models import Run, Schedule, Scheduler
from schedules.models.spending import spender
from schedules.services import schedule_writer
from schedules.states import Source
from schedules.transitions import Claim, claim, enqueue, park

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)  # a Tuesday
FREE, NOTHING_USED = Decimal(0), Usage()


def a_profile(slug: str = "tester", **columns: Any) -> Profile:
    profile, _ = Profile.objects.get_or_create(slug=slug, defaults={"name": slug.title(), **columns})
    return profile


def a_schedule(now: datetime = NOON, **changes: Any) -> Schedule:
    """A schedule made at noon; every five minutes unless told otherwise."""
    if not {"cron", "interval", "at"} & set(changes):
        changes["interval"] = "every 5m"
    defaults = {
        "name": "Nightly report",
        "prompt": "Report.",
        "profile": changes.get("profile") or a_profile(),
    }
    return schedule_writer.save(Schedule(), defaults | changes, now=now)


def a_queued_run(
    schedule: Schedule | None = None, now: datetime = NOON, source: Source = Source.SCHEDULED, **asked: Any
) -> Run:
    return enqueue(schedule or a_schedule(), source=source, now=now, **asked)


def a_running_run(
    schedule: Schedule | None = None, now: datetime = NOON, holder: str = "worker", **asked: Any
) -> tuple[Run, Claim]:
    run = a_queued_run(schedule, now, **asked)
    claimed = claim(run, holder=holder, now=now, conf=conf.load())
    run.refresh_from_db()
    return run, claimed


def has_worked(
    claimed: Claim,
    turns: int,
    *,
    cost_usd: Decimal = FREE,
    usage: Usage = NOTHING_USED,
    now: datetime = NOON,
) -> None:
    """Let the holder of a run take so many steps, each written down; the last one is paid for."""
    run = Run.objects.get(pk=claimed.run_id)
    said = [{"type": "tool_use", "id": "c", "name": "look", "input": {}}]
    steps = [TurnFinished(turn, said, "tool_use", usage, cost_usd, "offline") for turn in range(1, turns + 1)]
    transcript.append(claimed.transcript_id, claimed.token, steps, now)
    LedgerEntry.objects.create(
        at=now,
        cost_usd=cost_usd,
        input_tokens=usage.input,
        output_tokens=usage.output,
        **asdict(spender(run)),
    )


def an_approval(claimed: Claim, spender: Spender, now: datetime = NOON, call_id: str = "call_1") -> Approval:
    """What the holder of a run asks before it calls a tool."""
    card, sending = {"title": "Send"}, "Send it to a@b.c?"
    wanted = ApprovalRequest(
        call_id, "send", {"to": "a@b.c"}, ApprovalKind.TOOL_CALL, sending, card, fingerprint="f"
    )
    (approval,) = approvals.request(
        [wanted],
        transcript_id=claimed.transcript_id,
        token=claimed.token,
        turn=1,
        spender=spender,
        scope=standing.schedule_scope(spender.schedule_id),
        now=now,
    )
    return approval


def a_waiting_run(
    schedule: Schedule | None = None, now: datetime = NOON, **asked: Any
) -> tuple[Run, Approval]:
    """A run that was put aside until a person has answered."""
    run, claimed = a_running_run(schedule, now, **asked)
    approval = an_approval(claimed, spender(run), now)
    park(run.pk, claimed.token, now=now)
    run.refresh_from_db()
    return run, approval


def the_situation(now: datetime = NOON) -> StartConditions:
    return conditions.load(now, conf.load(), claims=True)


def a_scheduler(now: datetime, **columns: Any) -> Scheduler:
    """A scheduler process that is alive at a moment, as the loop writes it."""
    holder = f"scheduler@here:{Scheduler.objects.count()}"
    defaults = {"holder": holder, "host": "here", "pid": 1, "started_at": now, "seen_at": now}
    defaults["claims"] = columns.get("executes", True)  # with --no-execute it does neither
    return Scheduler.objects.create(**defaults | columns)
