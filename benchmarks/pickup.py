"""How soon a free slot is reused, and how soon a scheduler starts work queued by another process.

1. With a cap of 1, queue runs at once; compare when each got the slot with the end of the previous one.
2. With free slots, queue a run, wait for its end, queue the next; compare slot and first event with the
   queueing time.
"""

from itertools import pairwise

from django.db import transaction
from django.db.models import Min

from benchmarks.fixtures import a_schedule, a_scheduler_process, some, wait_for
from benchmarks.rows import ms, percentile, report, spread
from schedules.models import Run, Schedule
from schedules.states import Source
from schedules.transitions import enqueue
from stagent.lib import clock, wakeup


def main() -> None:
    schedule = a_schedule(clock.now(), overlap_policy="allow")
    with a_scheduler_process(cap=1):
        refilled = refill(schedule, some(200))
    report("slot freed → next run has it", spread(refilled), "p99 < 50 ms", percentile(refilled, 0.99) < 50)
    with a_scheduler_process(cap=4):
        claimed, first_events = pick_up(schedule, some(300))
    met = percentile(claimed, 0.5) < 10 and percentile(claimed, 0.99) < 50
    report("queued elsewhere → has a slot", spread(claimed), "p50 < 10 ms, p99 < 50 ms", met)
    report("queued elsewhere → its engine's first event", spread(first_events))


def queue(schedule: Schedule) -> Run:
    with transaction.atomic():
        run = enqueue(schedule, source=Source.MANUAL, now=clock.now())
        wakeup.notify()
    return run


def refill(schedule: Schedule, count: int) -> list[float]:
    with transaction.atomic():
        for _ in range(count):
            enqueue(schedule, source=Source.MANUAL, now=clock.now())
        wakeup.notify()
    wait_for(lambda: not Run.objects.unfinished().exists())
    runs = Run.objects.order_by("slot_claimed_at").values_list("slot_claimed_at", "finished_at")
    return [ms(before[1], after[0]) for before, after in pairwise(runs)]


def pick_up(schedule: Schedule, count: int) -> tuple[list[float], list[float]]:
    claimed: list[float] = []
    first_events: list[float] = []
    for _ in range(count):
        run = queue(schedule)
        wait_for(lambda pk=run.pk: Run.objects.get(pk=pk).finished)  # type: ignore[misc]
        done = Run.objects.annotate(first=Min("transcript__events__at")).get(pk=run.pk)
        claimed.append(ms(done.queued_at, done.slot_claimed_at))
        first_events.append(ms(done.queued_at, done.first))
    return claimed, first_events


if __name__ == "__main__":
    main()
