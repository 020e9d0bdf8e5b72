"""Who races: each function is one process and does one thing, again and again, until the race is over."""

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from agents import transcript
from agents.events import Notice
from schedules import conf as settings
from schedules import run_now, situation
from schedules.drain import adopt_waiting, drain
from schedules.errors import CapacityFull, LeaseLost
from schedules.models import Run, Schedule, Scheduler, Setting
from schedules.reaper import reap
from schedules.situation import Situation
from schedules.states import RunStatus
from schedules.tick import tick
from schedules.transitions import Claim, Ending, finish, progress, renew, request_cancel, requeue, withdraw
from tests.support.racer import Race

SPENT: dict[str, Any] = {"input_tokens": 9, "output_tokens": 9, "cost_usd": 9}


def look(race: Race) -> Situation:
    return situation.look(race.now(), settings.load())


def ticker(race: Race) -> dict[str, int]:
    """Record what is due."""
    recorded = 0
    while race.on:
        recorded += tick(look(race))
        race.breathe()
    return {"recorded": recorded}


def reaper(race: Race) -> dict[str, int]:
    """Settle what lapsed."""
    settled = 0
    while race.on:
        settled += reap(race.now(), settings.load())
        race.breathe(0.01)
    return {"settled": settled}


def worker(race: Race, name: str, vanishing: float = 0.0) -> dict[str, Any]:
    """Claim and adopt runs; finish most of them, and come back too late to the others."""
    held: list[tuple[Claim, Any]] = []
    seen: Counter[str] = Counter()
    late: list[str] = []
    while race.on:
        moment = look(race)
        claims = adopt_waiting(moment, name) + drain(moment, name)
        held += [(claimed, _fate(moment, vanishing)) for claimed in claims]
        seen["claimed"] += len(claims)
        for claimed, until in list(held):
            if until is not None and race.now() >= until:
                held.remove((claimed, until))
                seen[_end(claimed, race)] += 1
            elif until is None and not Run.objects.filter(pk=claimed.run_id, token=claimed.token).exists():
                held.remove((claimed, until))
                late += late_writes(claimed, race)
                seen["refused"] += 1
        race.breathe()
    return {"claimed": 0, "finished": 0, "lost": 0, "refused": 0} | seen | {"accepted_late": late}


def _fate(moment: Situation, vanishing: float) -> Any:
    """Return when the work is done; None: it stalls until somebody else has taken the run."""
    if random.random() < vanishing:
        return None
    return moment.now + timedelta(seconds=random.uniform(0, 3))


def _end(claimed: Claim, race: Race) -> str:
    ending = random.choice(
        [Ending(RunStatus.COMPLETED, result="Done."), Ending(RunStatus.CANCELLED), None]
    )
    try:
        transcript.append(claimed.transcript_id, claimed.token, [Notice("end", "The end.")], race.now())
        if ending:
            finish(claimed.run_id, claimed.token, ending, now=race.now())
        else:
            requeue(claimed.run_id, claimed.token, not_before=race.now() + timedelta(seconds=1))
    except LeaseLost:
        return "lost"
    return "finished" if ending else "requeued"


def late_writes(claimed: Claim, race: Race) -> list[str]:
    """Try every write that a holder may do and return those that were accepted."""
    now, run, token = race.now(), claimed.run_id, claimed.token
    attempts: dict[str, Callable[[], Any]] = {
        "renew": lambda: renew([token], now, timedelta(seconds=60)),
        "progress": lambda: progress(run, token, turn_count=9, **SPENT) or True,
        "append": lambda: transcript.append(claimed.transcript_id, token, [Notice("late", "Late.")], now),
        "finish": lambda: finish(run, token, Ending(RunStatus.COMPLETED, result="Late."), now=now),
        "requeue": lambda: requeue(run, token) or True,
    }
    accepted = []
    for name, attempt in attempts.items():
        with suppress(LeaseLost):
            accepted += [name] if attempt() else []
    return accepted


def person(race: Race, force: float = 0.3) -> dict[str, int]:
    """Run schedules now, force them, cancel runs and withdraw them."""
    seen: Counter[str] = Counter()
    schedules = list(Schedule.objects.all())
    while race.on:
        Scheduler.objects.update(seen_at=race.now())
        seen[_ask(random.choice(schedules), race, force)] += 1
        _stop_something(race)
        race.breathe(0.01)
    return {"started": 0, "forced": 0, "full": 0} | seen


def _ask(schedule: Schedule, race: Race, force: float) -> str:
    forced = random.random() < force
    try:
        run_now.execute(schedule, user=None, now=race.now(), force=forced)
    except CapacityFull:
        return "full_forced" if forced else "full"
    return "forced" if forced else "started"


def _stop_something(race: Race) -> None:
    for run in Run.objects.unfinished().order_by("?")[:1]:
        if random.random() < 0.3:
            withdraw(run.pk, now=race.now(), reason="raced") or request_cancel(
                run.pk, reason="raced", now=race.now()
            )


def cap_changer(race: Race, caps: list[int]) -> dict[str, int]:
    """Raise and lower the cap."""
    changes = 0
    while race.on:
        cap = caps[changes % len(caps)]
        Setting.objects.update_or_create(key="SCHEDULE_MAX_CONCURRENT", defaults={"value": str(cap)})
        changes += 1
        race.breathe(0.25)
    Setting.objects.filter(key="SCHEDULE_MAX_CONCURRENT").update(value=str(min(caps)))
    return {"changes": changes}
