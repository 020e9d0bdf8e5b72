"""One list says who may start: the database, the predicate, the counts and the drain never disagree."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.models import Project
from agents.spending.budgets import Exhausted
from schedules.capacity import blockers, wait_reasons
from schedules.capacity.blockers import SLOTS_OF_POOL, startable
from schedules.capacity.conditions import StartConditions
from schedules.dispatch.drain import drain
from schedules.models import Pool, Run, Schedule, Slot
from schedules.states import OverlapPolicy, ScheduleStatus, Source, WaitReason
from schedules.transitions import enqueue
from tests.support.builders import NOON, a_profile, a_running_run, a_schedule, a_waiting_run, the_situation

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
CAP = 20
POOLS = ("", "small", "gone")  # the second has one slot, the third was deleted
NUMBERS = st.integers(0, 2)


@dataclass(frozen=True)
class Queued:
    schedule: int
    source: Source
    due_min: int
    not_before_min: int | None
    forced: bool
    cancelled: bool
    deleted: bool


@dataclass(frozen=True)
class World:
    policies: tuple[OverlapPolicy, ...]
    paused: frozenset[int]
    running: frozenset[int]
    parked: frozenset[int]
    pools: tuple[str, ...]
    queue: list[Queued]
    stopped: bool
    chat: bool
    open_breakers: frozenset[int]
    patience: frozenset[int]
    spent_install: bool
    spent_projects: frozenset[int]
    spent_schedules: frozenset[int]
    unserved: frozenset[str]
    nobody_starts: bool


def seldom() -> st.SearchStrategy[bool]:
    return st.sampled_from([False] * 4 + [True])


SOME = st.frozensets(NUMBERS, max_size=1)
QUEUED = st.builds(
    Queued,
    schedule=NUMBERS,
    source=st.sampled_from(Source),
    due_min=st.integers(-8, 0),
    not_before_min=st.sampled_from([None, None, -1, 0, 1]),
    forced=seldom(),
    cancelled=seldom(),
    deleted=seldom(),
)
WORLDS = st.builds(
    World,
    policies=st.tuples(*[st.sampled_from(OverlapPolicy)] * 3),
    paused=SOME,
    running=SOME,
    parked=SOME,
    pools=st.tuples(*[st.sampled_from(POOLS)] * 3),
    queue=st.lists(QUEUED, min_size=1, max_size=6),
    stopped=seldom(),
    chat=seldom(),
    open_breakers=SOME,
    patience=SOME,
    spent_install=seldom(),
    spent_projects=SOME,
    spent_schedules=SOME,
    unserved=st.frozensets(st.sampled_from(POOLS), max_size=1),
    nobody_starts=seldom(),
)


@contextmanager
def built(world: World) -> Iterator[StartConditions]:
    """Make the rows, and undo them afterwards."""
    with transaction.atomic():
        Pool.objects.create(name="small", size=1)
        schedules = [a_part(world, number) for number in range(3)]
        for number in sorted(world.running):
            a_running_run(schedules[number])
        for number in sorted(world.parked - world.running):
            a_waiting_run(schedules[number])
        for each in world.queue:
            queue(each, schedules[each.schedule], world)
        for number in world.paused:
            Schedule.objects.filter(pk=schedules[number].pk).update(status=ScheduleStatus.PAUSED)
        yield seen(world, schedules)
        transaction.set_rollback(True)


def a_part(world: World, number: int) -> Schedule:
    project = Project.objects.create(slug=f"project-{number}", name=f"Project {number}") if number else None
    policy = world.policies[number]
    return a_schedule(
        name=f"Part {number}", profile=a_profile(f"p{number}"), project=project, overlap_policy=policy
    )


def queue(each: Queued, schedule: Schedule, world: World) -> None:
    run = enqueue(schedule, source=each.source, now=NOON, due_at=NOON + each.due_min * MINUTE)
    after = each.not_before_min
    Run.objects.filter(pk=run.pk).update(
        pool=world.pools[each.schedule],
        forced=each.forced,
        schedule=None if each.deleted else schedule,
        not_before=None if after is None else NOON + after * MINUTE,
        cancel_requested_at=NOON if each.cancelled else None,
    )


def seen(world: World, schedules: list[Schedule]) -> StartConditions:
    at = the_situation()
    return replace(
        at,
        conf=replace(at.conf, max_concurrent=CAP, scheduled_work_stopped=int(world.stopped)),
        live_streams=int(world.chat),
        open_breakers=frozenset(schedules[number].profile_id for number in world.open_breakers),
        patience=frozenset(schedules[number].profile_id for number in world.patience),
        budgets=Exhausted(
            world.spent_install,
            frozenset(schedules[number].project_id or 0 for number in world.spent_projects),
            frozenset(schedules[number].pk for number in world.spent_schedules),
        ),
        unserved_pools=world.unserved,
        nobody_starts=world.nobody_starts,
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=WORLDS)
def test_whatever_waits_the_database_the_predicate_and_the_drain_say_the_same(db: None, world: World) -> None:
    with built(world) as at:
        waiting = Run.objects.queued().select_related("schedule").order_by("claim_order", "pk")
        reasons = {run.pk: wait_reasons.reason(run, at) for run in waiting}
        free = [pk for pk, why in reasons.items() if why == WaitReason.SLOT]
        lacking_a_place = [pk for pk, why in reasons.items() if why in SLOTS_OF_POOL]
        assert list(startable(at).values_list("pk", flat=True)) == lacking_a_place
        counted = Counter(why for why in reasons.values() if why)
        assert wait_reasons.count(at) == {why: counted[why] for why in WaitReason}
        claimed = [claim.run_id for claim in drain(at, "worker")]
        assert claimed[:1] == free[:1]  # later claims change the situation: an overlap, a full pool
        assert set(claimed) <= set(free)


def test_every_reason_but_a_lack_of_place_is_a_blocker_with_a_sentence_of_its_own() -> None:
    named = [one.reason for one in blockers.BLOCKERS]
    assert [*named, *SLOTS_OF_POOL] == list(WaitReason)
    assert len(set(blockers.SENTENCES.values())) == len(WaitReason)


def test_a_pool_with_one_of_two_slots_taken_has_room() -> None:
    Pool.objects.create(name="small", size=2)
    run, _ = a_running_run(a_schedule())
    Slot.objects.create(pool="small", number=1, run=run)
    at = the_situation()
    assert at.full_pools == frozenset()
    Slot.objects.create(pool="small", number=2, enabled=False)
    assert the_situation().full_pools == {"small"}
