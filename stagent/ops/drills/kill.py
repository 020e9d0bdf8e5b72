"""`manage.py drill kill`: kills or stops web, reply worker and scheduler at random moments under load.

1. Start both processes; a server receives webhooks and rejects some; agents' questions are answered.
2. Let three people chat; each repeats what was not accepted, and reconnects after every cut.
3. In every round add runs of all kinds, and at a random moment kill a process with its children, kill the
   reply worker alone, or stop a process for some seconds.
4. When all is quiet: the cap was kept, nothing is lost, doubled or written late, every reply is finished,
   every webhook arrived, and all totals agree.
"""

import asyncio
import random
import sys
import time
from collections.abc import Iterable
from itertools import islice

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.db.models import Count, F, Max  # noqa: E402

from agents.models import Event, LiveStream, Profile, Transcript  # noqa: E402
from agents.protocol.events import TextDelta  # noqa: E402
from chat.models import Message  # noqa: E402
from schedules import conf  # noqa: E402
from schedules.models import Delivery, Firing, Run, Scheduler, Slot  # noqa: E402
from stagent.lib import clock  # noqa: E402
from stagent.models import ApiToken  # noqa: E402
from stagent.ops import audit  # noqa: E402
from stagent.ops.drills.observer import Observer  # noqa: E402
from stagent.ops.drills.person import Person, ReceivedMessages  # noqa: E402
from stagent.ops.drills.processes import Processes, wait_for  # noqa: E402
from stagent.ops.drills.report import DrillReport  # noqa: E402
from stagent.ops.drills.seed import options  # noqa: E402
from stagent.ops.drills.webhook_receiver import Receiver  # noqa: E402
from stagent.ops.drills.workload import Answering, Workload  # noqa: E402

PEOPLE = 3
TALK = "Talk. [[offline: tokens=80 delay=20ms]]"
CALM_SEC = (0.5, 4.0)  # between two strikes
EARLY = 0.2  # of all strikes do not wait until their victim has started
FROZEN_SEC = (1.0, 8.0)  # shorter and longer than a lease of 4 s
STRIKES = ("kill web", "kill scheduler", "kill chat worker", "freeze scheduler", "freeze web")
NAMED = 10  # differences between books that are printed
QUIET_SEC = 600  # what a sender that died held is sent again after two minutes
EXPLAINED = ("worker_lost", "aborted", "overloaded")  # the failures that the drill itself causes


def main() -> int:
    drill = options()
    chance = random.Random(drill.seed)
    report = DrillReport()
    until = f"for {drill.minutes:g} minutes" if drill.minutes else f"in {drill.rounds} rounds"
    report.note(f"Seed {drill.seed}: processes are struck {until} while runs fire and {PEOPLE} people chat.")
    owner = User.objects.create_superuser("owner", password=None)
    token = ApiToken.objects.issue(owner, "drill", now=clock.now())[1]
    Profile.objects.create(slug="drill", name="Drill", tools=["*"])
    with Receiver(drill.seed) as receiver, Processes() as crew, Answering(owner) as answering:
        wait_for(Scheduler.objects.exists, "a scheduler runs")
        load = Workload(owner, chance, receiver.url)
        with Observer() as watch:
            rounds = Rounds(drill.rounds, drill.minutes, chance, report)
            heard = asyncio.run(_live_through(crew, token, rounds, load))
            wait_for(lambda: _is_quiet(load), "everything is settled", QUIET_SEC)
            wait_for(_is_delivered, "everybody is told", QUIET_SEC)
        report.fact("questions of agents answered", answering.answered)
        _report(report, watch, load, heard)
        _report_webhooks(report, receiver)
        _report_totals(report)
    report.note(f"Seed {drill.seed}")
    return 0 if report.kept else 1


class Rounds:
    """The duration, and the target of each round."""

    def __init__(self, number: int, minutes: float, chance: random.Random, report: DrillReport) -> None:
        self._number, self._until = number, time.monotonic() + 60 * minutes if minutes else None
        self._chance, self._report, self._done = chance, report, 0

    @property
    def on(self) -> bool:
        return self._done < self._number if self._until is None else time.monotonic() < self._until

    @property
    def calm_sec(self) -> float:
        return self._chance.uniform(*CALM_SEC)

    def strike(self, crew: Processes) -> None:
        """Kill one of the processes: each kind in turn, then by chance."""
        what = STRIKES[self._done] if self._done < len(STRIKES) else self._chance.choice(STRIKES)
        self._done += 1
        deed, _, victim = what.partition(" ")
        if self._chance.random() >= EARLY:
            wait_for(lambda: _is_up(crew, victim), f"{victim} is up")
        if victim == "chat worker":
            self._report.note(f"       {crew.kill_children('web')} chat worker killed")
        elif deed == "kill":
            crew.kill(victim)
            self._report.note(f"       {victim} killed and started anew")
        else:
            seconds = self._chance.uniform(*FROZEN_SEC)
            crew.freeze(victim, seconds)
            self._report.note(f"       {victim} stopped for {seconds:.1f} s")


def _is_up(crew: Processes, victim: str) -> bool:
    """Return whether a process is working, not just starting."""
    if victim == "scheduler":
        return Scheduler.objects.filter(pid=crew.pid(victim)).exists()
    return crew.answers() and bool(crew.children("web"))


async def _live_through(
    crew: Processes, token: str, rounds: Rounds, load: Workload
) -> list[ReceivedMessages]:
    over = asyncio.Event()
    people = [Person(crew.port, token, f"person {number}", QUIET_SEC) for number in range(PEOPLE)]
    async with asyncio.TaskGroup() as group:
        for person in people:
            group.create_task(_chat(person, over))
        while rounds.on:
            await asyncio.to_thread(load.add)
            await asyncio.sleep(rounds.calm_sec)
            await asyncio.to_thread(rounds.strike, crew)
        over.set()
    return [heard for person in people for heard in person.heard]


async def _chat(person: Person, over: asyncio.Event) -> None:
    while not over.is_set():
        await person.ask(TALK)


def _is_quiet(load: Workload) -> bool:
    """Return whether nothing is under way."""
    fired = Firing.objects.exclude(kind="manual").count() >= len(load.instants)
    busy = Run.objects.unfinished().exists() or Message.objects.unfinished().exists()
    return fired and not busy


def _is_delivered() -> bool:
    return not Delivery.objects.filter(status=Delivery.Status.PENDING).exists()


def _report(report: DrillReport, watch: Observer, load: Workload, heard: list[ReceivedMessages]) -> None:
    report.note("")
    cap = conf.load().max_concurrent
    report.promise(
        f"cap of {cap}: most inside of it", f"{watch.inside} ({watch.looks} looks)", watch.inside <= cap
    )
    held = Slot.objects.held().count()
    report.promise("slots still held", held, held == 0)
    _report_firings(report, load)
    _report_logs(report)
    _report_answers(report, heard)


def _report_firings(report: DrillReport, load: Workload) -> None:
    fired = Firing.objects.filter(schedule__in=load.instants, outcome="fired").count()
    wanted = len(load.instants)
    report.promise("instants that fired, each once", f"{fired} of {wanted}", fired == wanted)
    runs = Run.objects.count()
    report.promise("runs, each once", f"{runs} of {wanted + load.by_hand}", runs == wanted + load.by_hand)
    strange = Run.objects.filter(status="failed").exclude(failure_reason__in=EXPLAINED)
    report.promise("runs that failed for no reason of the drill", strange.count(), not strange.exists())
    report.fact("runs by how they ended", _by_status(Run.objects.values_list("status", flat=True)))
    report.fact("workers lost and replaced", sum(Run.objects.values_list("lost_count", flat=True)))


def _report_webhooks(report: DrillReport, receiver: Receiver) -> None:
    sent = Delivery.objects.filter(channel=Delivery.Channel.WEBHOOK)
    ended = Run.objects.exclude(status="cancelled").count()
    results = sent.filter(kind=Delivery.Kind.RESULT).count()
    report.promise("runs whose webhook was written, each once", f"{results} of {ended}", results == ended)
    lost = sum(f"delivery-{delivery.pk}" not in receiver.taken for delivery in sent)
    report.promise("webhooks that did not arrive", lost, lost == 0)
    report.promise("webhooks that came again with other words", len(receiver.changed), not receiver.changed)
    report.fact("webhooks posted, for so many", f"{receiver.posts} for {sent.count()}")


def _report_totals(report: DrillReport) -> None:
    found = list(islice(audit.differences(), NAMED + 1))
    count = f"more than {NAMED}" if len(found) > NAMED else len(found)
    report.promise("differences between books", count, not found)
    for difference in found[:NAMED]:
        report.note(f"       {difference}")


def _report_logs(report: DrillReport) -> None:
    logs = Transcript.objects.annotate(events_count=Count("events"), last=Max("events__seq"))
    torn = logs.filter(events_count__gt=0).exclude(last=F("events_count")).count()
    report.promise("logs with a gap or a doubled number", torn, torn == 0)
    late = sum(_wrote_late(run) for run in Run.objects.all())
    report.promise("events accepted after the end of a run", late, late == 0)


def _wrote_late(run: Run) -> int:
    """Count events after the end, except the audit records of refused ones."""
    after = Event.objects.filter(transcript=run.transcript_id, at__gt=run.finished_at)
    return after.exclude(kind="late_result").count()


def _report_answers(report: DrillReport, heard: list[ReceivedMessages]) -> None:
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
