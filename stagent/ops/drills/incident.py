"""`manage.py drill incident`: the incident of 2026-04-08 — five heavy schedules fire at once, two more are
forced, and a person chats.

1. Start the processes on a throwaway install; measure how soon a chat is answered.
2. Let five schedules with many steps fire at the same instant; when the cap is full, force two more runs.
3. Chat until the agents are done; an observer counts the slots.
4. Report each promise: cap, waits, first tokens, event-loop lag, blank messages.
"""

import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.db.models import Max, Sum  # noqa: E402

from agents.models import Profile, StreamRecord  # noqa: E402
from chat.models import Message  # noqa: E402
from schedules import conf  # noqa: E402
from schedules.models import Firing, Run, Schedule, Scheduler, Slot  # noqa: E402
from schedules.services import run_now, schedule_writer  # noqa: E402
from stagent.lib import clock  # noqa: E402
from stagent.models import ApiToken  # noqa: E402
from stagent.ops.drills.observer import Observer  # noqa: E402
from stagent.ops.drills.person import Person, ReceivedMessages  # noqa: E402
from stagent.ops.drills.processes import Processes, wait_for  # noqa: E402
from stagent.ops.drills.report import DrillReport, percentile, spread  # noqa: E402

HEAVY, FORCED = 5, 2
TURNS = 60  # steps of each heavy run; the day itself saw 2,520 of each
HEAVY_WORK = f"Work through everything. [[offline: turns={TURNS} delay=20ms]]"
QUESTION = "What is scheduled? [[offline: tokens=20 delay=10ms]]"
CALM_QUESTIONS = 20
ADDED_MS = 50  # the most that a full house may add to a first token, at p99
LAG_MS = 50
MODEL = "offline model"


def main() -> int:
    report = DrillReport()
    person = User.objects.create_superuser("person", password=None)
    token = ApiToken.objects.issue(person, "drill", now=clock.now())[1]
    with Processes() as crew:
        wait_for(Scheduler.objects.exists, "a scheduler runs")
        report.note("A calm moment: a person chats, nothing else happens.")
        asyncio.run(_chat(Person(crew.port, token, "first"), 1))  # the process takes its first breath
        calm = asyncio.run(_chat(Person(crew.port, token, "calm"), CALM_QUESTIONS))
        report.note(
            f"{HEAVY} schedules of {TURNS} steps come due at the same instant, {FORCED} more are forced."
        )
        with Observer() as watch:
            _fire_together(person)
            busy = asyncio.run(_chat_until_done(Person(crew.port, token, "busy")))
            wait_for(_done, "the agents are done", 300)
    _report(report, watch, calm, busy)
    return 0 if report.kept else 1


def _fire_together(person: User) -> None:
    now = clock.now()
    soon = now + timedelta(seconds=2)
    heavy = [_schedule(f"Heavy {number}", now, person, at=soon) for number in range(HEAVY)]
    wait_for(lambda: Slot.objects.held().count() >= conf.load().max_concurrent, "the cap is full")
    for schedule in heavy[:FORCED]:
        run_now.execute(schedule, user=person, now=clock.now(), force=True, reason="drill")


def _schedule(name: str, now: datetime, owner: User, **when: object) -> Schedule:
    profile = Profile.objects.get(slug="operator")
    given = {"name": name, "prompt": HEAVY_WORK, "profile": profile, "max_turns": TURNS + 10, **when}
    return schedule_writer.save(Schedule(owner=owner), given, now=now)


async def _chat(person: Person, times: int) -> list[ReceivedMessages]:
    return [await person.ask(QUESTION) for _ in range(times)]


async def _chat_until_done(person: Person) -> list[ReceivedMessages]:
    """Chat as long as a heavy run is running."""
    heard = []
    while await asyncio.to_thread(_is_busy):
        heard.append(await person.ask(QUESTION))
    return heard


def _is_busy() -> bool:
    return Run.objects.running().exists()


def _done() -> bool:
    return Run.objects.count() == HEAVY + FORCED and not Run.objects.unfinished().exists()


def _report(
    report: DrillReport, watch: Observer, calm: list[ReceivedMessages], busy: list[ReceivedMessages]
) -> None:
    cap = conf.load().max_concurrent
    report.note("")
    report.promise(
        f"cap of {cap}: most inside of it", f"{watch.inside} ({watch.looks} looks)", watch.inside <= cap
    )
    report.promise("forced beyond it", watch.overflow, watch.overflow <= conf.load().max_overflow)
    _report_runs(report)
    _report_chat(report, calm, busy)


def _report_runs(report: DrillReport) -> None:
    runs, firings = Run.objects.all(), Firing.objects.all()
    done = runs.filter(status="completed").count()
    report.promise("runs completed, none lost", f"{done} of {HEAVY + FORCED}", done == HEAVY + FORCED)
    instants = firings.exclude(kind="manual").values("schedule", "nominal_at").distinct().count()
    report.promise("instants that fired exactly once", f"{instants} of {HEAVY}", instants == HEAVY)
    report.fact("agent steps", runs.aggregate(Sum("turn_count"))["turn_count__sum"])
    waits = [float(ms) for ms in firings.values_list("slot_wait_ms", flat=True) if ms is not None]
    report.fact("waits for a slot", spread(waits))
    lag = firings.aggregate(Max("event_loop_lag_ms"))["event_loop_lag_ms__max"] or 0.0
    report.goal("event-loop lag p99, the worst run's", f"{lag:.0f} ms", lag < LAG_MS)


def _report_chat(report: DrillReport, calm: list[ReceivedMessages], busy: list[ReceivedMessages]) -> None:
    quiet, full = _firsts(calm), _firsts(busy)
    report.fact("first token, calm", spread(quiet))
    report.fact("first token, cap full", spread(full))
    ours = _overheads([one.reply_id for one in busy])
    held = bool(ours) and percentile(ours, 0.99) < ADDED_MS
    report.goal(f"sent → model asked, cap full (p99 < {ADDED_MS} ms)", spread(ours), held)
    answers = Message.objects.replies()
    blank = answers.filter(text="").count()
    report.promise("blank messages", blank, blank == 0)
    unsettled = answers.unfinished().count()
    report.promise("messages never settled", unsettled, unsettled == 0)
    true = sum(one.is_true for one in [*calm, *busy])
    total = len(calm) + len(busy)
    report.promise("answers heard word for word", f"{true} of {total}", true == total and bool(busy))


def _firsts(heard: Sequence[ReceivedMessages]) -> list[float]:
    return [one.first_ms for one in heard if one.first_ms is not None]


def _overheads(reply_ids: Sequence[str]) -> list[float]:
    keys = [f"message:{reply_id}" for reply_id in reply_ids]
    found = StreamRecord.objects.filter(key__in=keys).values_list("overhead_ms", flat=True)
    return [float(ms) for ms in found if ms is not None]


if __name__ == "__main__":
    sys.exit(main())
