"""Many processes tick, claim, adopt, finish, force, cancel and reap at once, and an observer looks on."""

from datetime import timedelta

import pytest
from django.db.models import Max

from agents.models import Event, LedgerEntry, Transcript
from schedules import conf
from schedules.dispatch.reaper import reap
from schedules.models import Firing, Pool, Run, Schedule, Slot
from schedules.states import FINISHED, FiringKind, OverlapPolicy, RunStatus
from schedules.transitions import reclaim_slots
from stagent.ops import audit
from tests.races.actors import cap_changer, person, reaper, ticker, worker
from tests.support.builders import a_schedule, a_scheduler
from tests.support.observer import Observer
from tests.support.racing import BASE, race

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]

CAP = 2
MOST_OVERFLOW = 8


def some_schedules(count: int = 3) -> None:
    """A few of every overlap policy, each due every minute of the race, that is, every second."""
    Pool.objects.create(name="narrow", size=1)
    for policy in OverlapPolicy:
        for number in range(count):
            a_schedule(
                BASE,
                name=f"{policy} {number}",
                interval="every 1m",
                overlap_policy=policy,
                pool=Pool.objects.get() if number == 0 else None,
            )
    a_scheduler(BASE + timedelta(days=1))  # one that never seems dead


def some_were_lost() -> bool:
    return Run.objects.filter(lost_count__gte=1).count() > 2


def someone_was_forced() -> bool:
    return LedgerEntry.objects.exists()


def check_that_slots_and_runs_agree(observer: Observer) -> None:
    assert observer.looks > 100
    assert observer.most("misheld") == 0
    assert observer.most("homeless") == 0
    assert observer.most("narrow") <= 1 + observer.most("overflow")
    assert all(sight.running == sight.inside + sight.overflow for sight in observer.sights)


def check_that_nothing_was_lost() -> None:
    """Whoever still holds a run after the race lets it lapse: then every slot is free, every run settled."""
    last = Run.objects.running().aggregate(end=Max("lease_expires_at"))["end"] or BASE
    reap(last + timedelta(seconds=1))
    assert not Slot.objects.held().exists()
    assert not Run.objects.exclude(status__in=[*FINISHED, RunStatus.QUEUED]).exists()
    assert not Run.objects.queued().exclude(cancel_requested_at=None).exists()
    assert not Transcript.objects.exclude(writer_token=None).exists()
    assert Firing.objects.filter(outcome="fired").count() == Run.objects.count()
    assert not list(audit.differences())


def check_that_every_instant_is_explained_once() -> None:
    for schedule in Schedule.objects.all():
        assert schedule.next_nominal_at
        due = schedule.recurrence.between(BASE, schedule.next_nominal_at - timedelta(microseconds=1))
        firings = Firing.objects.filter(schedule=schedule, kind=FiringKind.SCHEDULED)
        assert sum(firing.count for firing in firings) == len(due) > 0
        assert {firing.nominal_at for firing in firings} <= {instant.at for instant in due}


def check_that_transcripts_have_no_gaps() -> None:
    for log in Transcript.objects.all():
        numbers = Event.objects.filter(transcript=log).order_by("seq").values_list("seq", flat=True)
        assert list(numbers) == list(range(1, log.last_seq + 1))


def test_the_cap_holds_nothing_fires_twice_and_no_late_write_is_accepted() -> None:
    some_schedules()
    observer = Observer()
    reports = race(
        *[(worker, {"name": f"worker {number}", "vanishing": 0.15}) for number in range(3)],
        *[(ticker, {})] * 2,
        (reaper, {}),
        (person, {}),
        seconds=6,
        enough=lambda: some_were_lost() and someone_was_forced(),
        observer=observer,
    )
    check_that_slots_and_runs_agree(observer)
    assert observer.most("inside") == observer.most("highest") == CAP
    assert 0 < observer.most("overflow") <= MOST_OVERFLOW
    for key in ("claimed", "finished", "refused"):
        assert reports.total(worker, key) > 0, key
    assert [result["accepted_late"] for result in reports.of(worker)] == [[], [], []]
    assert reports.total(person, "full") > 0
    assert all(result["recorded"] > 0 for result in reports.of(ticker)), "one of them fired alone"
    check_that_every_instant_is_explained_once()
    check_that_transcripts_have_no_gaps()
    check_that_nothing_was_lost()


def test_the_cap_may_change_while_everybody_races() -> None:
    some_schedules()
    observer = Observer()
    caps = [3, 1, 5, 2]
    reports = race(
        *[(worker, {"name": f"worker {number}", "vanishing": 0.1}) for number in range(3)],
        (ticker, {}),
        (reaper, {}),
        (person, {"force": 0.1}),
        (cap_changer, {"caps": caps}),
        seconds=5,
        enough=some_were_lost,
        observer=observer,
    )
    assert reports.total(cap_changer, "changes") > len(caps)
    check_that_slots_and_runs_agree(observer)
    assert observer.most("inside") <= max(caps)
    assert observer.most("highest") <= max(caps)
    reclaim_slots(conf.load())
    check_that_nothing_was_lost()
