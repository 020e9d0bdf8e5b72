"""Who races: each function is one process and does one thing, again and again, until the race is over."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from agents.protocol.events import Notice
from agents.transcripts import transcript
from schedules import conf
from schedules.capacity import conditions
from schedules.capacity.conditions import StartConditions
from schedules.dispatch.drain import adopt_waiting, drain
from schedules.dispatch.reaper import reap
from schedules.dispatch.tick import tick
from schedules.errors import CapacityFull, LeaseLost
from schedules.models import Run, Schedule, Setting
from schedules.services import run_now, schedule_writer
from schedules.states import RunStatus
from schedules.transitions import (
    Claim,
    Ending,
    finish,
    pause,
    progress,
    renew,
    request_cancel,
    requeue,
    resume,
    withdraw,
)  # fmt: skip
from tests.support.racer import Race


def look(race: Race) -> StartConditions:
    return conditions.load(race.now(), conf.load(), claims=True)


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
        settled += reap(race.now())
        race.breathe(0.01)
    return {"settled": settled}


def worker(race: Race, name: str, vanishing: float = 0.0, obeys: bool = False) -> dict[str, Any]:
    """Claim and adopt runs; end most of them, and try to write for the others when others have them."""
    held: list[tuple[Claim, Any]] = []
    seen: Counter[str] = Counter()
    late: list[str] = []
    while race.on:
        moment = look(race)
        claims = adopt_waiting(moment, name) + drain(moment, name)
        held += [(claimed, _fate(moment, vanishing)) for claimed in claims]
        seen["claimed"] += len(claims)
        for claimed, until in list(held):
            if until is not None and (race.now() >= until or (obeys and _is_to_stop(claimed))):
                held.remove((claimed, until))
                seen[_end(claimed, race)] += 1
        race.breathe()
    for claimed, until in held:
        if until is None and not Run.objects.filter(token=claimed.token).exists():
            late += late_writes(claimed, race)
            seen["refused"] += 1
    return {"claimed": 0, "finished": 0, "refused": 0} | seen | {"accepted_late": late}


def _is_to_stop(claimed: Claim) -> bool:
    return Run.objects.filter(pk=claimed.run_id).exclude(cancel_requested_at=None).exists()


def _fate(moment: StartConditions, vanishing: float) -> Any:
    """Return when the work is done; None: it stalls until somebody else has taken the run."""
    if random.random() < vanishing:
        return None
    return moment.now + timedelta(seconds=random.uniform(0, 3))


def _end(claimed: Claim, race: Race) -> str:
    ending = random.choice([Ending(RunStatus.COMPLETED, result="Done."), Ending(RunStatus.CANCELLED), None])
    try:
        transcript.append(claimed.transcript_id, claimed.token, [Notice("end", "The end.")], race.now())
        if ending:
            finish(claimed.run_id, claimed.token, ending, now=race.now())
        else:
            requeue(
                claimed.run_id, claimed.token, now=race.now(), not_before=race.now() + timedelta(seconds=1)
            )
    except LeaseLost:
        return "lost"
    return "finished" if ending else "requeued"


def late_writes(claimed: Claim, race: Race) -> list[str]:
    """Try every write that a holder may do and return those that were accepted."""
    now, run, token = race.now(), claimed.run_id, claimed.token
    attempts: dict[str, Callable[[], Any]] = {
        "renew": lambda: bool(renew([token], now, timedelta(seconds=60))),
        "progress": partial(progress, run, token),
        "append": partial(transcript.append, claimed.transcript_id, token, [Notice("late", "Late.")], now),
        "finish": partial(finish, run, token, Ending(RunStatus.COMPLETED, result="Late."), now=now),
        "requeue": partial(requeue, run, token, now=now),
    }
    return [name for name, write in attempts.items() if _is_accepted(write)]


def _is_accepted(write: Callable[[], Any]) -> bool:
    try:
        return write() is not False
    except LeaseLost:
        return False


def person(race: Race, force: float = 0.3) -> dict[str, int]:
    """Run schedules now, force them, cancel runs and withdraw them."""
    seen: Counter[str] = Counter()
    schedules = list(Schedule.objects.all())
    while race.on:
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
    unfinished = list(Run.objects.unfinished().order_by("pk"))
    for run in random.sample(unfinished, min(1, len(unfinished))):
        if random.random() < 0.3:
            withdraw(run.pk, now=race.now(), reason="raced") or request_cancel(
                run.pk, reason="raced", now=race.now()
            )


def impatient(race: Race) -> dict[str, int]:
    """Ask again and again for a run, until there was once no room, and never wait."""
    seen: Counter[str] = Counter()
    schedules = list(Schedule.objects.all())
    while race.on or not seen["full"]:
        seen[_ask(random.choice(schedules), race, force=0)] += 1
        race.breathe()
    return {"started": 0, "full": 0} | seen


def double_clicker(race: Race, schedule_id: int, keys: int) -> dict[str, list[int]]:
    """Ask for one run with each of some keys, as everybody else does at the same time."""
    schedule, runs = Schedule.objects.get(pk=schedule_id), []
    for number in range(keys):
        started = run_now.execute(
            schedule, user=None, now=race.now(), queue=True, idempotency_key=f"click {number}"
        )
        runs.append(started.run.pk)
    return {"runs": runs}


def adopter(race: Race, name: str) -> dict[str, Any]:
    """Adopt what requests claimed, and end it at once."""
    adopted: list[int] = []
    lost = 0
    while race.on:
        for claimed in adopt_waiting(look(race), name):
            adopted.append(claimed.run_id)
            try:
                finish(claimed.run_id, claimed.token, Ending(RunStatus.COMPLETED), now=race.now())
            except LeaseLost:
                lost += 1
        race.breathe()
    return {"adopted": adopted, "lost": lost}


PARITIES = {"odd": "1-59/2 * * * *", "even": "*/2 * * * *", "all": "* * * * *"}


def editor(race: Race) -> dict[str, int]:
    """Change when schedules fire, and say so in their prompts; sometimes change nothing but the name."""
    edits = 0
    while race.on:
        schedule = random.choice(list(Schedule.objects.all()))
        parity = random.choice(list(PARITIES))
        changes = {"cron": PARITIES[parity], "prompt": f"Minutes: {parity}"}
        now = race.now()
        race.breathe(random.uniform(0, 0.15))  # a request that waits its turn has an old idea of now
        schedule_writer.save(schedule, random.choice([changes, {"name": f"renamed {edits}"}]), now=now)
        edits += 1
        race.breathe(0.05)
    return {"edits": edits}


def pauser(race: Race) -> dict[str, list[Any]]:
    """Pause schedules and let them go on."""
    pauses: list[Any] = []
    ids = list(Schedule.objects.values_list("pk", flat=True))
    while race.on:
        schedule_id = random.choice(ids)
        pause(schedule_id, now=race.now(), reason="raced")
        paused_at = race.now()
        race.breathe(random.uniform(0, 1.2))
        resumed_at = race.now()
        resume(schedule_id, now=resumed_at)
        pauses.append((schedule_id, paused_at, resumed_at))
    return {"pauses": pauses}


def canceller_of_all(race: Race) -> dict[str, int]:
    """Ask every run to stop."""
    while race.on:
        for run in Run.objects.unfinished():
            withdraw(run.pk, now=race.now(), reason="raced") or request_cancel(
                run.pk, reason="raced", now=race.now()
            )
        race.breathe(0.3)
    return {}


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
