"""Decides what happens to instants that were missed. Pure: the tick carries it out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from schedules.timing.recurrence import Instant, Recurrence

type Policy = Literal["fire_once", "skip", "fire_all"]

MOST_FIRED = 10
SHORTEST_GRACE = timedelta(minutes=2)
LONGEST_GRACE = timedelta(hours=6)
NEVER_LATE = timedelta(seconds=10)  # less than this is never a misfire, whatever grace is set
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class MissedSpan:
    """Consecutive instants with the same decision: the first, the last and their number, all exact."""

    first: Instant
    last: Instant
    count: int


@dataclass(frozen=True)
class MisfireDecision:
    """The decision on every due instant; each is in exactly one of the three."""

    fire: tuple[Instant, ...] = ()
    coalesced: tuple[MissedSpan, ...] = ()
    skipped: tuple[MissedSpan, ...] = ()
    next: Instant | None = None


def default_grace(period: timedelta | None) -> timedelta:
    """Return half the period, between 2 minutes and 6 hours; 6 hours without a period."""
    if period is None:
        return LONGEST_GRACE
    return min(max(period / 2, SHORTEST_GRACE), LONGEST_GRACE)


def decide(
    recurrence: Recurrence, first_due: Instant, now: datetime, policy: Policy, grace: timedelta
) -> MisfireDecision:
    """Decide on the instants from first_due through now.

    An instant at most `grace` late is on time. The newest on-time instant fires and the other on-time ones
    are coalesced into it, so a stall causes no burst. Late instants are coalesced into the newest one
    (fire_once) or skipped (skip). fire_all fires the newest ten, late or not, and coalesces older ones into
    them.
    """
    if first_due.at > now:
        return MisfireDecision(next=first_due)
    before = first_due.at - MICROSECOND
    late_until = max(before, now - grace - MICROSECOND) if policy == "skip" else before
    skipped, late = _due(recurrence, first_due, before, late_until, keep=1)
    most = _most(policy)
    rest, count = _due(recurrence, first_due, late_until, now, keep=most + 1)
    fire, older = rest[-most:], rest[:-most]
    return MisfireDecision(
        fire=tuple(fire),
        coalesced=_span(recurrence, first_due, late_until, older, count - len(fire)),
        skipped=_span(recurrence, first_due, before, skipped, late),
        next=recurrence.next_after(now),
    )


def decide_some(
    open_: Sequence[tuple[int, Instant]], now: datetime, policy: Policy, grace: timedelta
) -> MisfireDecision:
    """Decide in the same way on some of the due instants, each with its index among all; `next` is not
    set.
    """
    late_before = now - grace if policy == "skip" else datetime.min.replace(tzinfo=now.tzinfo)
    late = [pair for pair in open_ if pair[1].at < late_before]
    rest = open_[len(late) :]
    most = _most(policy)
    return MisfireDecision(
        fire=tuple(instant for _, instant in rest[-most:]),
        coalesced=spans(rest[:-most]),
        skipped=spans(late),
    )


def spans(numbered: Sequence[tuple[int, Instant]]) -> tuple[MissedSpan, ...]:
    """Join numbered instants into spans without gaps."""
    found: list[MissedSpan] = []
    previous = -2
    for number, instant in numbered:
        if number == previous + 1:
            found[-1] = MissedSpan(found[-1].first, instant, found[-1].count + 1)
        else:
            found.append(MissedSpan(instant, instant, 1))
        previous = number
    return tuple(found)


def _most(policy: Policy) -> int:
    return MOST_FIRED if policy == "fire_all" else 1


def _due(
    recurrence: Recurrence, first_due: Instant, after: datetime, until: datetime, keep: int
) -> tuple[list[Instant], int]:
    """Return the newest due instants of a period and their number; first_due counts, whatever was edited."""
    newest, count = recurrence.newest(max(after, first_due.at), until, keep)
    if not after < first_due.at <= until:
        return newest, count
    return [first_due, *newest][-keep:], count + 1


def _span(
    recurrence: Recurrence, first_due: Instant, after: datetime, newest: Sequence[Instant], count: int
) -> tuple[MissedSpan, ...]:
    """Return the span of the first `count` due instants after a moment; its last one is known."""
    if not count:
        return ()
    first = first_due if after < first_due.at else recurrence.next_after(after)
    assert first is not None
    return (MissedSpan(first, newest[-1], count),)
