"""The slots of each pool and their runs."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from schedules.conf import Conf
from schedules.models import Pool, Run, Slot
from schedules.models.slot import DEFAULT_POOL, OVERFLOW_POOL


@dataclass(frozen=True)
class DashboardSlot:
    number: int
    run: Run | None
    enabled: bool = True
    beyond: bool = False  # above its pool's current size; it takes no further runs


@dataclass(frozen=True)
class PoolSlots:
    name: str
    size: int
    slots: list[DashboardSlot]

    @property
    def held(self) -> int:
        return sum(slot.run is not None for slot in self.slots)


def load(conf: Conf) -> list[PoolSlots]:
    """Return each pool with its slots, the global cap first; the overflow pool only while it is used."""
    sizes = {DEFAULT_POOL: conf.max_concurrent} | dict(Pool.objects.values_list("name", "size"))
    sizes[OVERFLOW_POOL] = conf.max_overflow
    rows = Slot.objects.select_related("run__schedule").order_by("pool", "number")
    rows_by_pool = {name: list(group) for name, group in groupby(rows, key=lambda slot: slot.pool)}
    pools = [_pool(name, size, rows_by_pool.get(name, [])) for name, size in sizes.items()]
    return [pool for pool in pools if pool.slots]


def _pool(name: str, size: int, slots: Iterable[Slot]) -> PoolSlots:
    known = {slot.number: slot for slot in slots}
    numbers = range(1, size + 1) if name != OVERFLOW_POOL else []
    wanted = sorted({*numbers, *(number for number, slot in known.items() if slot.run_id)})
    return PoolSlots(name, size, [_dashboard_slot(number, known.get(number), size) for number in wanted])


def _dashboard_slot(number: int, slot: Slot | None, size: int) -> DashboardSlot:
    """Return a slot; one that was never used has no row yet and is free."""
    return (
        DashboardSlot(number, slot.run, slot.enabled, number > size) if slot else DashboardSlot(number, None)
    )
