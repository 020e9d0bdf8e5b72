"""The queue and the slots, played through on paper: who starts when, and who does not."""

from itertools import pairwise
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from schedules.forecast.simulation import SimOutcome, SimRun, SimSchedule, Simulation
from schedules.states import OverlapPolicy as Policy

HOUR = 3600.0


def played(*plans: SimSchedule, cap: int = 2, **more: dict[str, int]) -> list[SimRun]:
    return Simulation(plans, cap, **more).play(0.0)


def starts(jobs: list[SimRun]) -> list[float | None]:
    return [job.start for job in jobs]


def test_with_room_everything_starts_when_it_is_due() -> None:
    assert starts(played(SimSchedule([10, 300]), SimSchedule([20]))) == [10, 20, 300]


def test_what_does_not_fit_waits_for_the_first_that_ends() -> None:
    jobs = played(
        SimSchedule([0], takes_sec=100), SimSchedule([0], takes_sec=40), SimSchedule([0]), SimSchedule([0])
    )
    assert starts(jobs) == [0, 0, 40, 100]
    assert [job.wait_sec for job in jobs] == [0, 0, 40, 100]


def test_a_higher_cap_shortens_the_wait() -> None:
    plans = [SimSchedule([0], takes_sec=100) for _ in range(6)]
    waits = [max(job.wait_sec for job in Simulation(plans, cap).play(0)) for cap in (1, 2, 3, 6)]
    assert waits == [500, 200, 100, 0]


def test_a_place_that_becomes_free_at_an_instant_serves_that_instant() -> None:
    assert starts(played(SimSchedule([0, 60], takes_sec=60), cap=1)) == [0, 60]


def test_the_higher_priority_goes_first_but_does_not_overtake_for_ever() -> None:
    running = SimSchedule([0], takes_sec=100)
    jobs = played(
        running,
        SimSchedule([10]),
        SimSchedule([20], head_start_sec=30),
        SimSchedule([90], head_start_sec=30),
        cap=1,
    )
    assert starts(jobs) == [0, 160, 100, 220]


def test_an_instant_is_skipped_while_an_earlier_run_is_in_the_way() -> None:
    jobs = played(SimSchedule([0, 60, 120], takes_sec=90))
    assert [job.outcome for job in jobs] == [SimOutcome.RUNS, SimOutcome.SKIPPED, SimOutcome.RUNS]


def test_a_skipped_instant_does_not_use_up_a_firing() -> None:
    jobs = played(SimSchedule([0, 60, 120, 180, 240], most=2, takes_sec=90))
    assert [job.outcome for job in jobs] == [SimOutcome.RUNS, SimOutcome.SKIPPED, SimOutcome.RUNS]


def test_one_may_wait_for_its_own_schedule_where_the_policy_says_so() -> None:
    jobs = played(SimSchedule([0, 60, 70], takes_sec=90, overlap=Policy.QUEUE_ONE))
    assert starts(jobs) == [0, 90, None]


def test_runs_of_one_schedule_go_side_by_side_where_they_may() -> None:
    assert starts(played(SimSchedule([0, 60, 70], takes_sec=90, overlap=Policy.ALLOW))) == [0, 60, 90]


def test_a_newer_instant_replaces_the_run_where_the_policy_says_so() -> None:
    first, second = played(SimSchedule([0, 60], takes_sec=90, overlap=Policy.CANCEL_RUNNING), cap=1)
    assert (first.end, first.outcome, second.start) == (60, SimOutcome.REPLACED, 60)


def test_a_run_that_waits_for_its_own_schedule_holds_up_nobody_else() -> None:
    own = SimSchedule([0, 10], takes_sec=90, overlap=Policy.QUEUE_ONE)
    assert starts(played(own, SimSchedule([20]))) == [0, 90, 20]


def test_a_pool_is_a_limit_of_its_own() -> None:
    jobs = played(
        SimSchedule([0], pool="gpu"), SimSchedule([0], pool="gpu"), SimSchedule([1]), pools={"gpu": 1}
    )
    assert starts(jobs) == [0, 60, 1]


def test_who_waits_too_long_is_not_wanted_any_more() -> None:
    jobs = played(
        SimSchedule([0], takes_sec=2 * HOUR), SimSchedule([1], patience_sec=HOUR), SimSchedule([2]), cap=1
    )
    assert [(job.start, job.outcome) for job in jobs] == [
        (0, SimOutcome.RUNS),
        (None, SimOutcome.EXPIRED),
        (2 * HOUR, SimOutcome.RUNS),
    ]


def test_one_that_is_not_wanted_any_more_does_not_stand_in_the_way_of_the_next() -> None:
    tired = SimSchedule([1, 1 + 1.5 * HOUR], patience_sec=HOUR)
    jobs = played(SimSchedule([0], takes_sec=2 * HOUR), tired, cap=1)
    assert [job.outcome for job in jobs] == [SimOutcome.RUNS, SimOutcome.EXPIRED, SimOutcome.RUNS]


def test_what_runs_and_waits_already_takes_its_time_first() -> None:
    simulation = Simulation([SimSchedule([5]), SimSchedule(takes_sec=30), SimSchedule(takes_sec=50)], cap=1)
    simulation.add_running(1, since=-20, end=10)
    simulation.add_queued(2, since=-10)
    assert starts(simulation.play(0)) == [60]
    assert (simulation.peak_running, simulation.peak_waiting) == (1, 2)


def test_a_lowered_cap_starts_nothing_until_there_is_room() -> None:
    simulation = Simulation([SimSchedule([0])] * 3, cap=1)
    for number, end in ((1, 10.0), (2, 20.0)):
        simulation.add_running(number, since=-5, end=end)
    assert starts(simulation.play(0))[:1] == [20]


plans = st.builds(
    SimSchedule,
    dues=st.lists(st.integers(0, 5000).map(float), max_size=12).map(sorted),
    takes_sec=st.floats(1, 2000),
    patience_sec=st.sampled_from([600.0, HOUR, inf]),
    overlap=st.sampled_from(list(Policy)),
    head_start_sec=st.integers(-10, 10).map(lambda priority: 30.0 * priority),
    pool=st.sampled_from(["", "", "gpu"]),
)


@given(st.lists(plans, max_size=8), st.integers(1, 4))
def test_neither_cap_nor_pool_is_ever_exceeded_and_everyone_has_a_fate(
    plans: list[SimSchedule], cap: int
) -> None:
    jobs = Simulation(plans, cap, {"gpu": 1}).play(0.0)
    assert len(jobs) == sum(len(plan.dues) for plan in plans)
    assert all(job.outcome for job in jobs)
    ran = [job for job in jobs if job.start is not None]
    assert all(job.start >= job.due for job in ran)
    for job in ran:
        beside = [other for other in ran if other.start <= job.start < other.end]
        assert len(beside) <= cap
        assert sum(plans[other.plan].pool == "gpu" for other in beside) <= 1


@given(st.lists(plans, min_size=1, max_size=6))
def test_runs_of_a_schedule_lie_side_by_side_only_where_they_may(plans: list[SimSchedule]) -> None:
    jobs = Simulation(plans, cap=3, pools={"gpu": 2}).play(0.0)
    for number, plan in enumerate(plans):
        mine = sorted((job.start, job.end) for job in jobs if job.plan == number and job.start is not None)
        if plan.overlap != Policy.ALLOW:
            assert all(earlier[1] <= later[0] for earlier, later in pairwise(mine))
