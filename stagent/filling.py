"""A plausible large install, to try and to measure: schedules, a month of firings, their runs and costs.

Rows are written in bulk, past every door of the product; nothing of it is due within the next hour.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import batched
from random import Random
from typing import Any

from django.db import transaction

from agents.models import Event, LedgerEntry, Profile, Project, StreamRecord, Transcript
from agents.states import Activity, FailureReason
from schedules import editing
from schedules.models import Firing, Run, Schedule
from schedules.states import FiringKind, Outcome, RunStatus, ScheduleStatus, Source
from schedules.tallies import books

DAYS = 30
BATCH = 2_000
PROJECTS = 12
QUEUED = 60  # of the runs
STREAMS = 2_000
MONTH = timedelta(days=DAYS)
WORK = ("Report", "Check", "Digest", "Review", "Backup", "Watch", "Summary", "Sync", "Audit", "Triage")
ABOUT = (
    "sales",
    "support",
    "servers",
    "invoices",
    "the press",
    "releases",
    "costs",
    "papers",
    "tickets",
    "mail",
)
RHYTHMS = ("7 */4 * * *", "30 6 * * *", "0 9 * * 1-5", "20 1,13 * * *", "45 22 * * 0", "15 3 1 * *")
MISSED = (Outcome.SKIPPED_OVERLAP, Outcome.COALESCED, Outcome.SKIPPED_MISFIRE, Outcome.SKIPPED_BUDGET)
FAILURES = (
    FailureReason.TURN_LIMIT_EXCEEDED, FailureReason.TIMEOUT, FailureReason.RATE_LIMITED,
    FailureReason.TOOL_ERROR, FailureReason.WORKER_LOST,
)  # fmt: skip


@dataclass(frozen=True)
class Size:
    """How much of each to make."""

    schedules: int
    firings: int
    runs: int


def fill(size: Size, now: datetime, tell: Callable[[str], Any]) -> None:
    """Write it all, telling how far it is; counters of /metrics begin after it."""
    dice = Random(7)
    schedules = _schedules(size.schedules, now, dice)
    tell(f"{len(schedules):,} schedules")
    for done in _firings(size, schedules, now, dice):
        tell(f"{done:,} firings")
    for done in _runs(size, schedules, now, dice):
        tell(f"{done:,} runs")
    _streams(now, dice)
    books.begin(now)


def _schedules(many: int, now: datetime, dice: Random) -> list[Schedule]:
    projects = [Project(slug=f"filled-{number}", name=f"Filled {number}") for number in range(PROJECTS)]
    Project.objects.bulk_create(projects, ignore_conflicts=True)
    mine = list(Project.objects.filter(slug__startswith="filled-"))
    profiles = list(Profile.objects.all())
    templates = [_template(cron, profiles[0], now) for cron in RHYTHMS]
    copies = (_copy(templates, profiles, mine, number, now, dice) for number in range(many))
    made = [row for some in batched(copies, BATCH) for row in Schedule.objects.bulk_create(some)]
    Schedule.objects.filter(pk__in=[template.pk for template in templates]).delete()
    return made


def _template(cron: str, profile: Profile, now: datetime) -> Schedule:
    columns = {"name": "template", "prompt": "Say what is new.", "profile": profile, "cron": cron}
    return editing.save(Schedule(), columns, now=now)


def _copy(
    templates: list[Schedule], profiles: list[Profile], projects: list[Project], number: int, now: datetime,
    dice: Random,
) -> Schedule:  # fmt: skip
    columns = {field.attname: getattr(templates[number % len(templates)], field.attname) for field in COLUMNS}
    paused = number % 10 == 9
    due = now + timedelta(hours=1, seconds=dice.randrange(86_400))
    return Schedule(
        **columns
        | {
            "name": f"{WORK[number % 10]} of {ABOUT[number // 10 % 10]}, {number}",
            "profile_id": profiles[number % len(profiles)].pk,
            "project_id": projects[number % len(projects)].pk,
            "status": ScheduleStatus.PAUSED if paused else ScheduleStatus.ACTIVE,
            "paused_reason": "Three failures in a row." if paused else "",
            "next_nominal_at": due,
            "next_fire_at": due,
            "firing_count": dice.randrange(1000),
            "last_turn_count": dice.randrange(1, 120),
            "avg_turns_per_firing": dice.uniform(3, 90),
            "avg_duration_ms": dice.uniform(5_000, 240_000),
        }
    )


COLUMNS = [field for field in Schedule._meta.concrete_fields if field.attname != "id"]


def _firings(size: Size, schedules: list[Schedule], now: datetime, dice: Random) -> Iterator[int]:
    """Spread them over the month, the oldest first, the schedules taking turns."""
    gap = MONTH / max(1, size.firings)
    rows = (
        _firing(schedules[number % len(schedules)], now - MONTH + gap * number, dice)
        for number in range(size.firings)
    )
    for done, some in enumerate(batched(rows, BATCH), start=1):
        with transaction.atomic():
            Firing.objects.bulk_create(some)
        if done % 50 == 0 or done * BATCH >= size.firings:
            yield min(done * BATCH, size.firings)


def _firing(schedule: Schedule, nominal: datetime, dice: Random) -> Firing:
    about = Firing(
        schedule=schedule, schedule_name=schedule.name, kind=FiringKind.SCHEDULED, nominal_at=nominal,
        due_at=nominal, outcome=Outcome.FIRED,
    )  # fmt: skip
    if dice.random() < 0.04:
        about.outcome, about.reason = dice.choice(MISSED), "As it happens in a month."
        return about
    wait, took = int(dice.expovariate(1 / 9_000)), int(dice.expovariate(1 / 90_000)) + 900
    about.fired_at = nominal + timedelta(milliseconds=dice.randrange(1, 40))
    about.slot_claimed_at = about.fired_at + timedelta(milliseconds=wait)
    about.completed_at = about.slot_claimed_at + timedelta(milliseconds=took)
    about.slot_wait_ms, about.duration_ms, about.deferral_ms = wait, took, 0
    about.turn_count, about.max_turns_at_firing = dice.randrange(1, 100), 120
    about.input_tokens, about.output_tokens = dice.randrange(900, 90_000), dice.randrange(90, 9_000)
    about.cost_usd = Decimal(dice.randrange(1, 90_000)) / 100_000
    about.event_loop_lag_ms, about.peak_rss_mb = dice.uniform(0.2, 9), dice.uniform(120, 190)
    about.chat_streams_active, about.concurrent_runs = 0, dice.randrange(1, 3)
    if dice.random() < 0.06:
        about.failure_reason = dice.choice(FAILURES)
    return about


def _runs(size: Size, schedules: list[Schedule], now: datetime, dice: Random) -> Iterator[int]:
    """Give the newest firings their runs, with transcripts and expenses; some more wait in the queue."""
    by_id = {schedule.pk: schedule for schedule in schedules}
    newest = list(Firing.objects.fired().filter(completed_at__lte=now).order_by("-pk")[: size.runs])[::-1]
    done = 0
    for some in batched((firing for firing in newest if firing.schedule_id in by_id), BATCH):
        _write([_ended(by_id[firing.schedule_id or 0], firing) for firing in some])
        done += len(some)
        if done % (BATCH * 10) == 0 or len(some) < BATCH:
            yield done
    _write(
        [_queued(dice.choice(schedules), now - timedelta(seconds=dice.randrange(900))) for _ in range(QUEUED)]
    )


def _write(runs: list[Run]) -> None:
    """Write runs with their transcripts, the events of one in fifty, and the ledger."""
    with transaction.atomic():
        transcripts = Transcript.objects.bulk_create(
            Transcript(last_seq=2 * (n % 50 == 0)) for n in range(len(runs))
        )
        for run, transcript in zip(runs, transcripts, strict=True):
            run.transcript = transcript
        Run.objects.bulk_create(runs)
        Event.objects.bulk_create(event for run in runs if run.transcript.last_seq for event in _events(run))
        LedgerEntry.objects.bulk_create(_expense(run) for run in runs if run.finished_at)


def _events(run: Run) -> list[Event]:
    said: tuple[tuple[str, dict[str, Any]], ...] = (
        ("turn_started", {"turn": 1}),
        ("text_delta", {"text": run.result}),
    )
    return [
        Event(transcript=run.transcript, seq=seq, kind=kind, data=data, at=run.queued_at)
        for seq, (kind, data) in enumerate(said, start=1)
    ]


def _queued(schedule: Schedule, moment: datetime) -> Run:
    return Run(
        schedule=schedule, schedule_name=schedule.name, profile_id=schedule.profile_id,
        project_id=schedule.project_id, prompt=schedule.prompt, source=Source.SCHEDULED, queued_at=moment,
        due_at=moment, claim_order=moment,
    )  # fmt: skip


def _ended(schedule: Schedule, firing: Firing) -> Run:
    run = _queued(schedule, firing.fired_at or firing.nominal_at)
    run.firing, run.attempt, run.started_at = firing, 1, firing.slot_claimed_at
    run.slot_claimed_at, run.finished_at = firing.slot_claimed_at, firing.completed_at
    run.status = RunStatus.FAILED if firing.failure_reason else RunStatus.COMPLETED
    run.failure_reason, run.result = firing.failure_reason, "Nothing unusual; three things to look at."
    run.turn_count, run.cost_usd = firing.turn_count or 0, firing.cost_usd or Decimal(0)
    run.input_tokens, run.output_tokens = firing.input_tokens or 0, firing.output_tokens or 0
    return run


def _expense(run: Run) -> LedgerEntry:
    return LedgerEntry(
        at=run.finished_at or run.queued_at, activity=Activity.RUN_TURN, run_id=run.pk,
        provider="offline", model="offline",
        input_tokens=run.input_tokens, output_tokens=run.output_tokens, cost_usd=run.cost_usd,
        project_id=run.project_id, schedule_id=run.schedule_id,
    )  # fmt: skip


def _streams(now: datetime, dice: Random) -> None:
    rows = []
    for number in range(STREAMS):
        ended = now - MONTH * dice.random()
        first, total = dice.randrange(200, 3_000), dice.randrange(3_000, 40_000)
        rows.append(
            StreamRecord(
                key=f"message:{number}", started_at=ended - timedelta(milliseconds=total), ended_at=ended,
                reason="completed", first_token_ms=first, overhead_ms=first // 100, total_ms=total,
            )
        )  # fmt: skip
    StreamRecord.objects.bulk_create(rows)
