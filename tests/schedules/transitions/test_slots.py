"""The cap holds, forced runs are seen by it, and it may change while runs run."""

import pytest

from schedules import conf
from schedules.dispatch.drain import drain
from schedules.errors import NoCapacity
from schedules.models import Pool, Run, Schedule, Setting, Slot
from schedules.models.slot import OVERFLOW_POOL
from schedules.states import RunStatus, Source
from schedules.transitions import Claim, Ending, claim, finish
from tests.support.builders import NOON, a_queued_run, a_running_run, a_schedule, the_situation

pytestmark = pytest.mark.django_db


def cap(number: int) -> None:
    Setting.objects.update_or_create(key="SCHEDULE_MAX_CONCURRENT", defaults={"value": str(number)})


def schedules(count: int) -> list[Schedule]:
    return [a_schedule(name=f"Schedule {number}") for number in range(count)]


def queue(count: int) -> list[Run]:
    return [a_queued_run(schedule) for schedule in schedules(count)]


def end(claimed: Claim) -> None:
    finish(claimed.run_id, claimed.token, Ending(RunStatus.COMPLETED), now=NOON)


def force(schedule: Schedule) -> Claim:
    run = a_queued_run(schedule, source=Source.MANUAL, forced=True)
    return claim(run, holder="worker", now=NOON, conf=conf.load())


def test_the_drain_fills_the_cap_and_no_more() -> None:
    queue(5)
    assert len(drain(the_situation(), "worker")) == 2
    assert Run.objects.running().count() == 2
    assert drain(the_situation(), "worker") == []


def test_a_freed_slot_is_refilled() -> None:
    queue(3)
    first, _ = drain(the_situation(), "worker")
    end(first)
    assert len(drain(the_situation(), "worker")) == 1


def test_a_raised_cap_lets_more_in_and_a_lowered_one_drains() -> None:
    queue(6)
    cap(3)
    claims = drain(the_situation(), "worker")
    assert len(claims) == 3
    cap(1)
    for claimed in claims[:2]:
        end(claimed)
        assert drain(the_situation(), "worker") == []
    end(claims[2])
    assert len(drain(the_situation(), "worker")) == 1


def test_a_lowered_cap_counts_the_run_above_it_even_when_a_lower_slot_is_free() -> None:
    queue(4)
    cap(2)
    first, _second = drain(the_situation(), "worker")
    cap(1)
    end(first)  # slot 1 is free now, but the run of slot 2 still runs
    assert drain(the_situation(), "worker") == []
    assert Run.objects.running().get().slot == "default #1"


def test_a_forced_run_takes_a_free_slot_first() -> None:
    force(a_schedule())
    assert Run.objects.get().slot == "default #1"


def test_a_forced_run_overflows_a_full_cap_and_normal_claims_see_it() -> None:
    several = schedules(4)
    a_running_run(several[0])
    _, second = a_running_run(several[1])
    forced = force(several[2])
    assert Run.objects.get(pk=forced.run_id).slot == "overflow #1"
    a_queued_run(several[3])
    end(second)
    assert drain(the_situation(), "worker") == []  # the forced run moved into the free place
    assert Run.objects.get(pk=forced.run_id).slot == "default #2"
    assert not Slot.objects.held().filter(pool=OVERFLOW_POOL).exists()
    end(forced)
    assert len(drain(the_situation(), "worker")) == 1


def test_a_raised_cap_is_used_by_the_overflowing_run_first() -> None:
    several = schedules(4)
    a_running_run(several[0])
    a_running_run(several[1])
    force(several[2])
    a_queued_run(several[3])
    cap(3)
    assert drain(the_situation(), "worker") == []
    assert Run.objects.running().filter(slot="default #3", forced=True).exists()


def test_overflow_is_bounded() -> None:
    several = schedules(12)
    for schedule in several[:10]:
        force(schedule)
    with pytest.raises(NoCapacity) as full:
        force(several[10])
    assert full.value.pool == OVERFLOW_POOL


def test_a_disabled_slot_finishes_its_run_and_takes_no_other() -> None:
    queue(3)
    first, second = drain(the_situation(), "worker")
    Slot.objects.filter(run=first.run_id).update(enabled=False)
    end(first)
    assert drain(the_situation(), "worker") == []
    end(second)
    assert len(drain(the_situation(), "worker")) == 1


def test_a_pool_limits_its_own_runs_beside_the_cap_and_holds_up_nobody_else() -> None:
    local = Pool.objects.create(name="local-model", size=1)
    for number in range(3):
        a_queued_run(a_schedule(name=f"Local {number}", pool=local))
    a_queued_run(a_schedule(name="Elsewhere"))
    cap(3)
    claimed = drain(the_situation(), "worker")
    assert sorted(Run.objects.get(pk=claim.run_id).pool for claim in claimed) == ["", "local-model"]
    assert Slot.objects.held().count() == 3


def test_a_finished_run_holds_no_slot() -> None:
    run, claimed = a_running_run()
    end(claimed)
    run.refresh_from_db()
    assert (run.slot, run.token, run.lease_expires_at) == ("", None, None)
    assert not Slot.objects.held().exists()
