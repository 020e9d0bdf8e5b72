"""After downtime: what fires, what it stands for, what is skipped; and every instant is accounted for."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.timing.misfires import MOST_FIRED, MisfireDecision, MissedSpan, decide, default_grace
from schedules.timing.recurrence import Instant, Recurrence

MINUTELY = Recurrence(cron="* * * * *")
HOURLY = Recurrence(cron="0 * * * *")
GRACE = timedelta(minutes=2)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-22T{text}").replace(tzinfo=UTC)


def one(time: str) -> Instant:
    return Instant(at(time))


def span(first: str, last: str, count: int) -> tuple[MissedSpan, ...]:
    return (MissedSpan(one(first), one(last), count),)


def counted(planned: MisfireDecision) -> int:
    return len(planned.fire) + sum(each.count for each in planned.coalesced + planned.skipped)


def due(*times: str) -> tuple[Instant, ...]:
    return tuple(one(time) for time in times)


@pytest.mark.parametrize(
    ("period", "grace"),
    [
        (timedelta(minutes=1), timedelta(minutes=2)),
        (timedelta(minutes=4), timedelta(minutes=2)),
        (timedelta(hours=1), timedelta(minutes=30)),
        (timedelta(hours=12), timedelta(hours=6)),
        (timedelta(days=7), timedelta(hours=6)),
        (None, timedelta(hours=6)),
    ],
)
def test_grace_is_half_the_period_from_2_minutes_to_6_hours(period, grace):
    assert default_grace(period) == grace


@pytest.mark.parametrize("policy", ["fire_once", "skip", "fire_all"])
def test_an_instant_on_time_fires_whatever_the_policy(policy):
    expected = MisfireDecision(fire=due("10:00"), next=one("11:00"))
    assert decide(HOURLY, one("10:00"), at("10:00"), policy, GRACE) == expected
    assert decide(HOURLY, one("10:00"), at("10:02"), policy, GRACE) == expected


@pytest.mark.parametrize("policy", ["fire_once", "skip", "fire_all"])
def test_nothing_is_due_before_its_time(policy):
    assert decide(HOURLY, one("10:00"), at("09:59:59.999"), policy, GRACE) == MisfireDecision(
        next=one("10:00")
    )


def test_a_late_instant_still_fires_once():
    assert decide(HOURLY, one("10:00"), at("10:30"), "fire_once", GRACE).fire == due("10:00")


def test_the_newest_late_instant_stands_for_the_others():
    assert decide(HOURLY, one("07:00"), at("10:30"), "fire_once", GRACE) == MisfireDecision(
        fire=due("10:00"), coalesced=span("07:00", "09:00", 3), next=one("11:00")
    )


def test_late_instants_are_coalesced_into_the_one_on_time():
    planned = decide(HOURLY, one("08:00"), at("10:01"), "fire_once", GRACE)
    assert (planned.fire, planned.coalesced) == (due("10:00"), span("08:00", "09:00", 2))


def test_skip_skips_the_late_and_fires_the_one_on_time():
    assert decide(HOURLY, one("08:00"), at("10:01"), "skip", GRACE) == MisfireDecision(
        fire=due("10:00"), skipped=span("08:00", "09:00", 2), next=one("11:00")
    )


def test_skip_fires_nothing_when_all_are_late():
    assert decide(HOURLY, one("08:00"), at("10:30"), "skip", GRACE) == MisfireDecision(
        skipped=span("08:00", "10:00", 3), next=one("11:00")
    )


def test_a_moment_past_the_grace_is_late():
    planned = decide(HOURLY, one("10:00"), at("10:02:00.000001"), "skip", GRACE)
    assert (planned.fire, planned.skipped) == ((), span("10:00", "10:00", 1))


@pytest.mark.parametrize("policy", ["fire_once", "skip"])
def test_a_stall_of_ninety_seconds_is_no_reason_for_a_burst(policy):
    planned = decide(MINUTELY, one("10:00"), at("10:01:30"), policy, GRACE)
    assert (planned.fire, planned.coalesced, planned.skipped) == (due("10:01"), span("10:00", "10:00", 1), ())


def test_fire_all_fires_all():
    planned = decide(HOURLY, one("07:00"), at("10:30"), "fire_all", GRACE)
    assert planned.fire == due("07:00", "08:00", "09:00", "10:00")
    assert planned.coalesced == planned.skipped == ()


def test_fire_all_fires_the_newest_ten_and_explains_the_older():
    planned = decide(MINUTELY, one("10:00"), at("10:14:30"), "fire_all", GRACE)
    assert planned.fire == due(*(f"10:{minute:02}" for minute in range(5, 15)))
    assert planned.coalesced == span("10:00", "10:04", 5)


@pytest.mark.parametrize("policy", ["fire_once", "skip", "fire_all"])
def test_a_year_of_minutes_is_counted_and_its_first_and_last_are_exact(policy):
    now = at("10:00:30")
    first = Instant(at("10:01") - timedelta(days=365))
    planned = decide(MINUTELY, first, now, policy, GRACE)
    assert counted(planned) == 365 * 1440
    assert (planned.skipped or planned.coalesced)[0].first == first
    assert planned.fire[-1] == one("10:00")


def test_a_span_ends_right_before_what_fires():
    planned = decide(MINUTELY, Instant(at("10:00") - timedelta(days=1)), at("10:00"), "fire_once", GRACE)
    assert planned.coalesced == (MissedSpan(Instant(at("10:00") - timedelta(days=1)), one("09:59"), 1440),)


def test_one_moment_that_was_missed_is_fired_late_or_skipped():
    once = Recurrence(at=at("08:00"))
    assert decide(once, one("08:00"), at("20:00"), "fire_once", GRACE) == MisfireDecision(fire=due("08:00"))
    assert decide(once, one("08:00"), at("20:00"), "skip", GRACE) == MisfireDecision(
        skipped=span("08:00", "08:00", 1)
    )


def test_a_noted_instant_counts_even_if_the_expression_has_moved_on():
    planned = decide(HOURLY, one("09:30"), at("10:01"), "fire_once", GRACE)
    assert (planned.fire, planned.coalesced) == (due("10:00"), span("09:30", "09:30", 1))


def test_a_shifted_instant_stays_marked():
    paris = Recurrence(cron="30 2 * * *", timezone="Europe/Paris")
    first = paris.next_after(datetime(2026, 3, 28, 12, tzinfo=UTC))
    assert first is not None
    planned = decide(paris, first, first.at + timedelta(seconds=1), "fire_once", GRACE)
    assert planned.fire == (first,)
    assert first.dst_shifted


def test_nothing_follows_the_end_of_a_schedule():
    ending = Recurrence(cron="0 * * * *", ends_at=at("10:30"))
    planned = decide(ending, one("09:00"), at("13:00"), "fire_once", GRACE)
    assert (planned.fire, planned.coalesced, planned.next) == (due("10:00"), span("09:00", "09:00", 1), None)


@st.composite
def downtimes(draw: st.DrawFn) -> tuple[Recurrence, Instant, datetime]:
    recurrence = draw(
        st.sampled_from(
            [
                MINUTELY,
                HOURLY,
                Recurrence(cron="30 2 * * *", timezone="Europe/Paris"),
                Recurrence(cron="*/15 1-3 * * *", timezone="America/New_York"),
                Recurrence(every_sec=2700, anchor=at("00:00:07.5")),
            ]
        )
    )
    down = datetime(2027, 3, 1, tzinfo=UTC) + timedelta(seconds=draw(st.integers(0, 40 * 86_400)))
    first = recurrence.next_after(down)
    assert first is not None
    return recurrence, first, down + timedelta(microseconds=draw(st.integers(0, 3 * 86_400_000_000)))


@given(
    downtimes(),
    st.sampled_from(["fire_once", "skip", "fire_all"]),
    st.integers(0, 21_600).map(lambda s: timedelta(seconds=s)),
)
def test_every_due_instant_is_explained_once(downtime, policy, grace):
    recurrence, first, now = downtime
    instants = recurrence.between(first.at - timedelta(microseconds=1), now)
    planned = decide(recurrence, first, now, policy, grace)

    told = list(planned.fire)
    for each in planned.coalesced + planned.skipped:
        part = recurrence.between(each.first.at - timedelta(microseconds=1), each.last.at)
        assert (part[0], part[-1], len(part)) == (each.first, each.last, each.count)
        told += part
    assert sorted(told, key=lambda instant: instant.at) == instants


@given(
    downtimes(),
    st.sampled_from(["fire_once", "skip", "fire_all"]),
    st.integers(0, 21_600).map(lambda s: timedelta(seconds=s)),
)
def test_what_fires_is_the_newest_and_never_more_than_the_policy_allows(downtime, policy, grace):
    recurrence, first, now = downtime
    instants = recurrence.between(first.at - timedelta(microseconds=1), now)
    planned = decide(recurrence, first, now, policy, grace)

    assert len(planned.fire) <= (MOST_FIRED if policy == "fire_all" else 1)
    assert list(planned.fire) == instants[len(instants) - len(planned.fire) :]
    on_time = [instant for instant in instants if now - instant.at <= grace]
    assert bool(planned.fire) == bool(on_time if policy == "skip" else instants)
    assert all(now - each.last.at > grace for each in planned.skipped)


@given(downtimes(), st.sampled_from(["fire_once", "skip", "fire_all"]))
def test_what_follows_is_strictly_after_now(downtime, policy):
    recurrence, first, now = downtime
    following = decide(recurrence, first, now, policy, GRACE).next
    assert following is not None
    assert following == recurrence.next_after(now)
    assert following.at > now
