"""What to do with the instants that passed while nobody looked. Pure: it plans, the tick acts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from schedules.calendar import Instant, Recurrence

type Policy = Literal["fire_once", "skip", "fire_all"]

MOST_FIRED = 10
MOST_LISTED = 100
SHORTEST_GRACE = timedelta(minutes=2)
LONGEST_GRACE = timedelta(hours=6)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Plan:
    """What becomes of every due instant: fired + coalesced_count + skipped_count is their number.

    coalesced and skipped list the newest hundred of each, in order; the counts are exact however long it was.
    """

    fire: tuple[Instant, ...] = ()
    coalesced: tuple[Instant, ...] = ()
    coalesced_count: int = 0
    skipped: tuple[Instant, ...] = ()
    skipped_count: int = 0
    next: Instant | None = None


def default_grace(period: timedelta | None) -> timedelta:
    """Return half the period, at least 2 minutes and at most 6 hours; 6 hours for what comes only once."""
    if period is None:
        return LONGEST_GRACE
    return min(max(period / 2, SHORTEST_GRACE), LONGEST_GRACE)


def plan(recurrence: Recurrence, first_due: Instant, now: datetime, policy: Policy, grace: timedelta) -> Plan:
    """Decide about the instants from first_due through now.

    At most `grace` late is on time. The newest on-time instant fires and stands for the other on-time ones
    (a stall is no reason for a burst); the late ones are coalesced too (fire_once: into the newest of all),
    or skipped (skip). fire_all fires the newest ten, late or not; what is older is coalesced into them.
    """
    if first_due.at > now:
        return Plan(next=first_due)
    late_until = now - grace - MICROSECOND if policy == "skip" else first_due.at - MICROSECOND
    most = MOST_FIRED if policy == "fire_all" else 1
    late, skipped = _due(recurrence, first_due, first_due.at - MICROSECOND, late_until, keep=MOST_LISTED)
    rest, count = _due(recurrence, first_due, late_until, now, keep=MOST_LISTED + most)
    fire, coalesced = rest[-most:], rest[:-most]
    return Plan(
        fire=tuple(fire),
        coalesced=tuple(coalesced),
        coalesced_count=count - len(fire),
        skipped=tuple(late),
        skipped_count=skipped,
        next=recurrence.next_after(now),
    )


def _due(
    recurrence: Recurrence, first_due: Instant, after: datetime, until: datetime, keep: int
) -> tuple[list[Instant], int]:
    """Return the newest due instants of a stretch and how many; first_due is one, whatever was edited."""
    newest, count = recurrence.newest(max(after, first_due.at), until, keep)
    if not after < first_due.at <= until:
        return newest, count
    return [first_due, *newest][-keep:], count + 1
