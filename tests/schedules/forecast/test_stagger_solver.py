"""Moving schedules by a few minutes: the fullest five minutes get lower, and everything else stays."""

from collections import Counter
from itertools import pairwise
from random import Random
from tracemalloc import get_traced_memory, start, stop

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.forecast.stagger_solver import (
    FARTHEST,
    WINDOW,
    LoadCurve,
    ScheduleLoad,
    flatten,
    moved,
    peak,
    shifts,
)
from schedules.timing.cron import parse

DAY, HOUR = 1440, 60
NINE = 9 * HOUR


def daily(key: int, steps: float = 100, minute: int = 0, days: int = 2) -> ScheduleLoad:
    return ScheduleLoad(key, steps, [NINE + minute + DAY * day for day in range(days)], f"{minute} 9 * * *")


def fullest(flows: list[ScheduleLoad]) -> int:
    """Add the steps of every window up in the plainest way."""
    load = Counter[int]()
    for flow in flows:
        for window in {minute - back for minute in flow.minutes for back in range(WINDOW)}:
            load[window] += max(1, round(flow.steps))
    return max(load.values(), default=0)


def after(flows: list[ScheduleLoad]) -> list[ScheduleLoad]:
    """Let the flows come due as the moves say, by their new expressions."""
    by = {move.key: move.by for move in flatten(flows).moves}
    return [
        ScheduleLoad(flow.key, flow.steps, [m + by.get(flow.key, 0) for m in flow.minutes]) for flow in flows
    ]


@st.composite
def flows(draw: st.DrawFn) -> list[ScheduleLoad]:
    """Draw schedules of a few hours: some daily, some hourly, some that may not be moved."""
    found = []
    for key in range(draw(st.integers(0, 14))):
        minutes = draw(st.lists(st.integers(0, 59), min_size=1, max_size=3, unique=True))
        hours = draw(st.sampled_from([[9], [9, 10], [8, 9, 10, 11]]))
        due = sorted(hour * HOUR + minute for hour in hours for minute in minutes)
        column = ",".join(map(str, sorted(minutes)))
        if step := draw(st.sampled_from([0, 0, 7, 15, 20])):
            column, minutes = f"*/{step}", list(range(0, 60, step))
            due = sorted(hour * HOUR + minute for hour in hours for minute in minutes)
        cron = draw(st.sampled_from([f"{column} {','.join(map(str, hours))} * * *", ""]))
        found.append(ScheduleLoad(key, draw(st.integers(1, 900)), due, cron))
    return found


def test_two_at_once_come_apart():
    plan = flatten([daily(1), daily(2)])
    assert (plan.peak_before, plan.peak_after) == (200, 100)
    (move,) = plan.moves
    assert (move.by, move.before, move.after) == (5, "0 9 * * *", "5 9 * * *")


def test_the_heaviest_alone_is_a_peak_that_no_move_lowers():
    assert not flatten([daily(1, steps=5000)]).moves


def test_a_lower_peak_is_flattened_where_the_highest_cannot_be():
    exclusive = ScheduleLoad(9, 300, [20 * HOUR], "0 20 * * *")
    plan = flatten([daily(1), daily(2), exclusive])
    assert (len(plan.moves), plan.peak_before, plan.peak_after) == (1, 300, 300)


def test_who_is_fixed_stays_and_the_others_make_room():
    fixed = ScheduleLoad(1, 100, daily(1).minutes)
    plan = flatten([fixed, daily(2), daily(3)])
    assert {move.key for move in plan.moves} == {2, 3}
    assert plan.peak_after == 100


def test_a_thousand_at_nine_are_spread_as_far_as_two_hundred_moves_go():
    random = Random(9)
    crowd = [daily(key, random.randint(5, 500)) for key in range(1000)]
    plan = flatten(crowd)
    assert len(plan.moves) == 200
    assert plan.peak_after == fullest(after(crowd)) < 0.7 * plan.peak_before


@given(flows())
def test_the_peak_is_never_raised_and_is_what_the_plan_says(drawn):
    plan = flatten(drawn)
    assert plan.peak_before == fullest(drawn) == peak(drawn)
    assert plan.peak_after == fullest(after(drawn)) <= plan.peak_before


@given(flows())
def test_a_moved_schedule_keeps_its_hours_its_days_and_its_period(drawn):
    for move in flatten(drawn).moves:
        old, new = parse(move.before), parse(move.after)
        assert new.expression.split()[1:] == old.expression.split()[1:]
        assert [time // 3600 for time in new.times] == [time // 3600 for time in old.times]
        gaps = [[b - a for a, b in pairwise(times)] for times in (old.times, new.times)]
        assert gaps[0] == gaps[1]
        assert {b - a for a, b in zip(old.times, new.times, strict=True)} == {60 * move.by}
        assert 0 < abs(move.by) <= FARTHEST


@given(flows(), st.randoms(use_true_random=False))
def test_the_order_in_which_schedules_are_told_changes_nothing(drawn, random):
    shuffled = random.sample(drawn, len(drawn))
    assert flatten(shuffled) == flatten(drawn)


@given(flows())
def test_who_may_not_be_moved_is_not_moved(drawn):
    assert not {move.key for move in flatten(drawn).moves} & {flow.key for flow in drawn if not flow.cron}


@pytest.mark.parametrize(
    ("cron", "by", "became"),
    [
        ("0 9 * * *", 5, "5 9 * * *"),
        ("0,30 * * * 1-5", 7, "7,37 * * * 1-5"),
        ("30,0 9 * * *", 1, "1,31 9 * * *"),
        ("59 23 * * *", 1, None),
        ("0 0 * * *", -1, None),
        ("*/15 * * * *", 3, "3-59/15 * * * *"),
        ("3-59/15 * * * *", -3, "*/15 * * * *"),
        ("3-59/15 * * * *", 4, "7-59/15 * * * *"),
        ("*/15 * * * *", 15, None),
        ("*/15 * * * *", -1, None),
        ("*/7 * * * *", 3, "3-59/7 * * * *"),
        ("10-40/10 9 * * *", 3, "13,23,33,43 9 * * *"),
        ("10-20 9 * * *", 1, "11-21 9 * * *"),
        ("* * * * *", 1, None),
        ("nonsense", 1, None),
        ("", 1, None),
    ],
)
def test_all_minutes_are_moved_together_and_only_within_their_hour(cron, by, became):
    assert moved(cron, by) == became


def test_the_nearest_shift_is_tried_first():
    assert shifts("2 9 * * *")[:5] == [1, -1, 2, -2, 3]
    assert shifts("*/5 * * * *") == [1, 2, 3, 4]
    assert not shifts("* * * * *")


def test_who_never_comes_due_takes_no_room_for_the_minutes_since_1970() -> None:
    minute = 29_000_000
    flows = [
        ScheduleLoad(1, 100, [minute], "20 9 * * *"),
        ScheduleLoad(2, 100, [minute], "20 9 * * *"),
        ScheduleLoad(3, 5, []),
    ]
    start()
    try:
        plan = flatten(flows)
        assert get_traced_memory()[1] < 1_000_000
    finally:
        stop()
    assert (plan.peak_before, plan.peak_after) == (200, 100)


def test_what_helps_no_window_is_found_out_once_and_not_for_every_window_of_a_week(monkeypatch):
    looks: list[int] = []
    look_around = LoadCurve._best_shift
    monkeypatch.setattr(
        LoadCurve, "_best_shift", lambda *load: looks.append(load[1].key) or look_around(*load)
    )
    everywhere = [ScheduleLoad(key, 100, list(range(0, 7 * DAY, 5)), "*/5 * * * *") for key in range(3)]
    assert flatten(everywhere).moves == []
    assert sorted(looks) == [0, 1, 2]
