"""Moving real schedules apart: what is proposed, what a click changes, and what stays as it is."""

from datetime import time, timedelta

import pytest
from django.contrib.admin.models import LogEntry

from schedules.forecast import inputs
from schedules.forecast.forecast import play
from schedules.models import Schedule
from schedules.services import schedule_writer, stagger
from schedules.services.stagger import CHANGED, TOO_NEAR, Proposal
from schedules.states import ScheduleKind
from schedules.transitions import pause
from tests.support.builders import NOON, a_schedule, the_situation

pytestmark = pytest.mark.django_db
UNTIL = NOON + timedelta(hours=48)


def heavy(name: str, **changes) -> Schedule:
    timing = {} if "interval" in changes else {"cron": "0 9 * * *"}
    schedule = a_schedule(name=name, **(timing | changes))
    Schedule.objects.filter(pk=schedule.pk).update(avg_turns_per_firing=1000, avg_duration_ms=240_000)
    schedule.refresh_from_db()
    return schedule


def proposed(*among: int) -> Proposal:
    workload = inputs.load(the_situation(), UNTIL)
    return stagger.propose(workload, play(workload, now=NOON, until=UNTIL, cap=1), among)


def applied(user, now=NOON) -> stagger.Applied:
    return stagger.apply([step.token for step in proposed().steps], user, now)


def test_a_proposal_tells_what_it_changes_in_steps_and_in_waits():
    for name in "ABC":
        heavy(name)
    proposal = proposed()
    assert (proposal.peak_before, proposal.peak_after) == (3000, 1000)
    assert (proposal.before.longest_wait_sec, proposal.after.longest_wait_sec) == (480, 0)
    assert [step.schedule.name for step in proposal.steps] == ["A", "B"]
    assert set(Schedule.objects.values_list("cron", flat=True)) == {"0 9 * * *"}  # nothing moved yet


def test_only_the_chosen_are_moved_when_some_are_chosen():
    crowd = [heavy(name) for name in "ABC"]
    assert [step.move.key for step in proposed(crowd[1].pk).steps] == [crowd[1].pk]


@pytest.mark.parametrize(
    "changes",
    [
        {"interval": "every 45m"},
        {"ends_at": NOON + timedelta(days=9)},
        {"starts_at": NOON + timedelta(hours=5)},
        {"kind": ScheduleKind.HEARTBEAT, "active_from": time(8), "active_until": time(10)},
    ],
    ids=["an interval", "an end", "a start to come", "active hours"],
)
def test_who_could_gain_or_lose_an_instant_is_left_alone(changes):
    heavy("Fixed", **changes)
    assert not [step for step in proposed().steps if step.schedule.name == "Fixed"]
    heavy("Other", cron="0 9 * * *")
    assert not [step for step in proposed().steps if step.schedule.name == "Fixed"]


def test_steps_of_minutes_are_moved_and_stay_steps(alice):
    heavy("A", interval="every 15m")
    heavy("B", interval="every 15m")
    (step,) = proposed().steps
    assert (step.move.before, step.move.after) == ("*/15 * * * *", "5-59/15 * * * *")
    just_fired = NOON + timedelta(minutes=6)
    Schedule.objects.update(next_nominal_at=NOON + timedelta(minutes=15))
    assert stagger.apply([step.token], alice, just_fired).moved == ["A"]
    moved = Schedule.objects.get(name="A")
    assert (moved.cron, f"{moved.next_fire_at:%H:%M}") == ("5-59/15 * * * *", "12:20")


def test_one_shots_are_left_alone():
    once = schedule_writer.save(a_schedule(), {"cron": "", "at": NOON + timedelta(hours=3)}, now=NOON)
    heavy("Other", cron="0 15 * * *")
    assert once.pk not in {step.move.key for step in proposed().steps}


def test_what_is_applied_fires_at_the_new_minute_and_is_in_the_journal(alice):
    for name in "AB":
        heavy(name)
    assert applied(alice) == stagger.Applied(["A"], [])
    moved = Schedule.objects.get(name="A")
    assert (moved.cron, f"{moved.next_fire_at:%d %H:%M}") == ("5 9 * * *", "25 09:05")
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (alice, str(moved.pk))
    assert entry.change_message == "Staggered: moved by +5 min, from 0 9 * * * to 5 9 * * *."


def test_what_was_changed_meanwhile_stays(alice):
    mine, other = heavy("A"), heavy("B")
    tokens = [step.token for step in proposed().steps]
    schedule_writer.save(mine, {"cron": "0 8 * * *"}, now=NOON)
    assert stagger.apply(tokens, alice, NOON).kept == [("A", CHANGED)]
    pause(other.pk, now=NOON, reason="Holidays.")
    assert stagger.apply([f"{other.pk}:5:0 9 * * *"], alice, NOON).kept == [("B", CHANGED)]


@pytest.mark.parametrize("minutes", [-2, 2])
def test_just_before_and_after_its_instant_a_schedule_is_not_moved(alice, minutes):
    """Moved later it would fire twice, moved earlier not at all."""
    schedule = heavy("A", cron="10 9 * * *")
    near = schedule.next_nominal_at + timedelta(minutes=minutes)
    following = schedule.recurrence.next_after(near)
    Schedule.objects.update(next_nominal_at=following.at, next_fire_at=following.at)
    cron_before = f"{schedule.pk}:{5 if minutes > 0 else -5}:10 9 * * *"
    assert stagger.apply([cron_before], alice, near).kept == [("A", TOO_NEAR)]
    assert Schedule.objects.get().cron == "10 9 * * *"


def test_what_is_due_right_now_is_not_moved_away_from_the_tick(alice):
    schedule = heavy("A")
    late = schedule.next_nominal_at + timedelta(hours=2)  # no scheduler was there at nine
    kept = stagger.apply([f"{schedule.pk}:5:0 9 * * *"], alice, late).kept
    assert kept == [("A", TOO_NEAR)]


@pytest.mark.parametrize("by", ["16", "-1", "0", "999999", "x", ""])
def test_a_move_that_was_never_proposed_is_refused(alice, by):
    schedule = heavy("A")
    stagger.apply([f"{schedule.pk}:{by}:0 9 * * *", "rubbish", ":", "7"], alice, NOON)
    assert Schedule.objects.get().cron == "0 9 * * *"
