"""Web and scheduler are killed without warning, again and again, under load; every promise must hold.

1. Start both; make schedules that come due one after the other, and runs that are asked for by hand.
2. Let three people chat; each sends again what was not accepted, and goes on listening after every cut.
3. Kill one of the two processes at a random moment, start it anew, as often as was asked for.
4. When all is quiet: nothing over the cap, lost, doubled or written late, and every answer settled.
"""

import asyncio
import random
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.db import transaction  # noqa: E402
from django.db.models import Count, F, Max  # noqa: E402

from agents.events import TextDelta  # noqa: E402
from agents.models import Event, LiveStream, Profile, Transcript  # noqa: E402
from chat.models import Message  # noqa: E402
from schedules import conf, editing  # noqa: E402
from schedules.models import Firing, Run, Schedule, Scheduler, Slot  # noqa: E402
from schedules.states import Source  # noqa: E402
from schedules.transitions import enqueue  # noqa: E402
from stagent.drills.crew import Crew, wait_for  # noqa: E402
from stagent.drills.person import Heard, Person  # noqa: E402
from stagent.drills.report import Report  # noqa: E402
from stagent.drills.watch import Watch  # noqa: E402
from stagent.lib import bell, clock  # noqa: E402
from stagent.models import ApiToken  # noqa: E402

ROUNDS = int(sys.argv[1])
BY_HAND, PEOPLE = 6, 3
ONE_EVERY_SEC = 2
WORK = "Work. [[offline: turns=6 delay=30ms]]"
TALK = "Talk. [[offline: tokens=80 delay=20ms]]"
CALM_SEC = (0.5, 4.0)  # between two kills


def main() -> int:
    report = Report()
    owner = User.objects.create_superuser("owner", password=None)
    token = ApiToken.objects.issue(owner, "drill", now=clock.now())[1]
    with Crew() as crew:
        wait_for(Scheduler.objects.exists, "a scheduler runs")
        instants = _load(owner)
        report.note(
            f"{ROUNDS} processes are killed while {len(instants)} schedules fire and {PEOPLE} people chat."
        )
        with Watch() as watch:
            heard = asyncio.run(_live_through(crew, token, report))
            wait_for(_is_quiet, "everything is settled", 300)
        _tell(report, watch, instants, heard)
    return 0 if report.kept else 1


def _load(owner: User) -> list[Schedule]:
    now = clock.now()
    for number in range(BY_HAND):
        schedule = _schedule(f"By hand {number}", now, owner, cron="0 0 1 1 *")
        with transaction.atomic():
            enqueue(schedule, source=Source.MANUAL, now=now)
            bell.ring()
    moments = (now + timedelta(seconds=3 + ONE_EVERY_SEC * number) for number in range(2 * ROUNDS))
    return [_schedule(f"Once {number}", now, owner, at=at) for number, at in enumerate(moments)]


def _schedule(name: str, now: datetime, owner: User, **when: object) -> Schedule:
    given = {"name": name, "prompt": WORK, "profile": Profile.objects.get(slug="operator"), **when}
    return editing.save(Schedule(owner=owner), given, now=now)


async def _live_through(crew: Crew, token: str, report: Report) -> list[Heard]:
    over = asyncio.Event()
    people = [Person(crew.port, token, f"person {number}") for number in range(PEOPLE)]
    async with asyncio.TaskGroup() as group:
        for person in people:
            group.create_task(_chat(person, over))
        for number in range(ROUNDS):
            await asyncio.sleep(random.uniform(*CALM_SEC))
            victim = ("web", "scheduler")[number % 2]
            await asyncio.to_thread(crew.kill, victim)
            report.note(f"       {victim} killed and started anew")
        over.set()
    return [heard for person in people for heard in person.heard]


async def _chat(person: Person, over: asyncio.Event) -> None:
    while not over.is_set():
        await person.ask(TALK)


def _is_quiet() -> bool:
    """Tell whether nothing is under way."""
    fired = Firing.objects.exclude(kind="manual").count() >= 2 * ROUNDS
    busy = Run.objects.unfinished().exists() or Message.objects.unfinished().exists()
    return fired and not busy


def _tell(report: Report, watch: Watch, instants: list[Schedule], heard: list[Heard]) -> None:
    report.note("")
    cap = conf.load().max_concurrent
    report.promise(
        f"cap of {cap}: most inside of it", f"{watch.inside} ({watch.looks} looks)", watch.inside <= cap
    )
    held = Slot.objects.held().count()
    report.promise("slots still held", held, held == 0)
    _tell_firings(report, instants)
    _tell_logs(report)
    _tell_answers(report, heard)


def _tell_firings(report: Report, instants: list[Schedule]) -> None:
    fired = Firing.objects.filter(schedule__in=instants, outcome="fired").count()
    report.promise("instants that fired, each once", f"{fired} of {len(instants)}", fired == len(instants))
    wanted = len(instants) + BY_HAND
    done = Run.objects.filter(status="completed").count()
    report.promise("runs completed", f"{done} of {wanted}", done == wanted == Run.objects.count())
    report.fact("workers lost and replaced", sum(Run.objects.values_list("lost_count", flat=True)))


def _tell_logs(report: Report) -> None:
    logs = Transcript.objects.annotate(events_count=Count("events"), last=Max("events__seq"))
    torn = logs.filter(events_count__gt=0).exclude(last=F("events_count")).count()
    report.promise("logs with a gap or a doubled number", torn, torn == 0)
    late = sum(_wrote_late(run) for run in Run.objects.all())
    report.promise("events accepted after the end of a run", late, late == 0)


def _wrote_late(run: Run) -> int:
    """Count what came after the end; what was refused is kept for the audit, and says so."""
    after = Event.objects.filter(transcript=run.transcript_id, at__gt=run.finished_at)
    return after.exclude(kind="late_result").count()


def _tell_answers(report: Report, heard: list[Heard]) -> None:
    replies = Message.objects.replies()
    report.promise("answers never settled", (open_ := replies.unfinished().count()), open_ == 0)
    blank = replies.filter(text="", notice="").count()
    report.promise("blank answers", blank, blank == 0)
    untrue = sum(message.text != _shown(message) for message in replies.filter(run_id=None))
    report.promise("answers that differ from what was shown", untrue, untrue == 0)
    true = sum(one.is_true for one in heard)
    report.promise("answers heard word for word", f"{true} of {len(heard)}", true == len(heard) > 0)
    said = Message.objects.filter(role="user").count()
    report.promise("messages stored once", f"{said} of {len(heard)}", said == len(heard))
    streams = LiveStream.objects.live(clock.now()).count()
    report.promise("live streams left behind", streams, streams == 0)
    report.fact("answers by how they ended", _by_status(replies.values_list("status", flat=True)))


def _shown(message: Message) -> str:
    deltas = Event.objects.filter(transcript=message.transcript_id, kind=TextDelta.kind).order_by("seq")
    return "".join(data["text"] for data in deltas.values_list("data", flat=True))


def _by_status(statuses: Iterable[str]) -> str:
    seen = list(statuses)
    return ", ".join(f"{seen.count(status)} {status}" for status in sorted(set(seen)))


if __name__ == "__main__":
    sys.exit(main())
