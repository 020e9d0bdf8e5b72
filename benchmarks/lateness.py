"""How late schedules fire while a slot is free, and the cost of an idle scheduler.

1. Start a scheduler process and measure its processor time while nothing is due.
2. Create one-shots 250 ms apart, each with a short answer of the offline model.
3. Compare when each fired, and when its run got its slot, with when it was due.
"""

import time
from datetime import timedelta

import psutil

from benchmarks.fixtures import QUICK, a_schedule, a_scheduler_process, some, wait_for
from benchmarks.rows import ms, percentile, report, spread
from schedules.models import Firing
from stagent.lib import clock

APART = timedelta(milliseconds=250)


def main() -> None:
    with a_scheduler_process(cap=50) as pid:
        idle = idle_share(psutil.Process(pid), seconds=5 if QUICK else 20)
        report("idle scheduler, share of a core", f"{idle:.2%}", "< 1 %", idle < 0.01)
        late, claimed = lateness(some(200))
    report("due → fired, a slot free", spread(late), "p99 < 25 ms", percentile(late, 0.99) < 25)
    report("due → its run has a slot", spread(claimed))


def idle_share(process: psutil.Process, seconds: float) -> float:
    before = process.cpu_times()
    time.sleep(seconds)
    after = process.cpu_times()
    return (after.user + after.system - before.user - before.system) / seconds


def lateness(count: int) -> tuple[list[float], list[float]]:
    first = clock.now() + timedelta(seconds=2) + count * timedelta(milliseconds=25)
    for number in range(count):
        a_schedule(clock.now(), at=first + number * APART)
    wait_for(lambda: Firing.objects.filter(completed_at__isnull=False).count() == count)
    moments = list(Firing.objects.values_list("due_at", "fired_at", "slot_claimed_at"))
    return [ms(due, fired) for due, fired, _ in moments], [ms(due, slot) for due, _, slot in moments]


if __name__ == "__main__":
    main()
