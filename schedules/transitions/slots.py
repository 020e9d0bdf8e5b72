"""Taking and giving back places to run.

Forced runs go to the overflow pool when the cap is full. Whoever runs outside the cap (in overflow,
or above a cap that was lowered) has the first right to a place that becomes free inside, and is moved
into it by the drain, so "free within the cap" always means that the cap has room.
"""

import logging
from contextlib import suppress
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from schedules.conf import Conf
from schedules.errors import LostRace, NoCapacity
from schedules.models import Pool, Run, Slot
from schedules.models.slot import DEFAULT_POOL, OVERFLOW_POOL
from schedules.states import RunStatus
from schedules.transitions import prepared_sql

log = logging.getLogger("stagent.slots")


@dataclass(frozen=True)
class FreeSlots:
    """The slots of one pool as one query saw them: free inside its size, and held outside it."""

    free: list[Slot]
    outside: list[Slot]
    held: int


@dataclass(frozen=True)
class SlotChoice:
    """A slot of the global cap, and how many others were held under it."""

    slot: Slot
    held: int


def take(run: Run, conf: Conf) -> SlotChoice:
    """Hold a slot of the global cap, and one of the run's own pool; return the first. `NoRoom`, `Quicker`."""
    place = _place_under_the_cap(run, conf)
    _hold(place.slot, run)
    if run.pool and not run.forced:
        _hold(_first(run.pool, load(run.pool, _size(run.pool)).free), run)
    return place


def _place_under_the_cap(run: Run, conf: Conf) -> SlotChoice:
    places = load(DEFAULT_POOL, conf.max_concurrent)
    free = places.free[len(places.outside) :]  # the others belong to the strays
    if not free and run.forced:
        overflow = load(OVERFLOW_POOL, conf.max_overflow).free
        return SlotChoice(_first(OVERFLOW_POOL, overflow), places.held)
    return SlotChoice(_first(DEFAULT_POOL, free), places.held)


def reclaim_slots(conf: Conf) -> int:
    """Move runs from outside the cap into places that became free inside; return how many are left free.

    One transaction for each: two processes that move several in different orders would lock each other out.
    """
    places = load(DEFAULT_POOL, conf.max_concurrent)
    for stray, place in zip(places.outside, places.free, strict=False):
        with suppress(LostRace), transaction.atomic():
            _move(stray, place)
    return max(0, len(places.free) - len(places.outside))


def _first(pool: str, free: list[Slot]) -> Slot:
    if not free:
        raise NoCapacity(pool)
    return free[0]


def load(pool: str, size: int) -> FreeSlots:
    """Return the slots of a pool, free and stray, making the rows a raised size asks for."""
    under_the_cap = pool == DEFAULT_POOL
    rows = prepared_sql.PLACES_UNDER_THE_CAP() if under_the_cap else prepared_sql.PLACES(pool=pool)
    mine = {slot.number: slot for slot in rows if slot.pool == pool}
    if missing := [number for number in range(1, size + 1) if number not in mine]:
        Slot.objects.bulk_create(
            [Slot(pool=pool, number=number) for number in missing], ignore_conflicts=True
        )
        return load(pool, size)
    inside = [mine[number] for number in range(1, size + 1) if mine[number].enabled]
    held = [slot for slot in rows if slot.run_id is not None]
    return FreeSlots(
        free=[slot for slot in inside if slot.run_id is None],
        outside=[slot for slot in held if slot not in inside],
        held=len(held),
    )


def _size(pool: str) -> int:
    return Pool.objects.filter(pk=pool).values_list("size", flat=True).first() or 0


def _hold(slot: Slot, run: Run) -> None:
    try:
        changed = prepared_sql.HOLD(slot_id=slot.pk, run_id=run.pk)
    except IntegrityError:  # the run holds another slot of this pool: somebody claimed it
        raise LostRace(f"run {run.pk}") from None
    if changed != 1:
        raise LostRace(f"slot {slot}")


def _move(stray: Slot, place: Slot) -> None:
    """Move a stray's run into a place inside the cap. The run row first: its finish takes it first too."""
    run_id = stray.run_id or 0
    moved = (
        Run.objects.filter(pk=run_id, status=RunStatus.RUNNING, slot=str(stray)).update(slot=str(place)) == 1
        and Slot.objects.filter(pk=stray.pk, run_id=run_id).update(run=None) == 1
        and Slot.objects.free().filter(pk=place.pk).update(run_id=run_id) == 1
    )
    if not moved:  # and nothing was tried after the first belief that failed: the run may be inside already
        raise LostRace("stray")


def release(run_id: int) -> None:
    """Free whatever the run holds. Holding nothing is a broken promise, and no reason to hold the run up."""
    if prepared_sql.GIVE_BACK(run_id=run_id) < 1:
        log.error("Run %s was running without a slot.", run_id)
