"""The cost of a tick with many schedules: with a thousand due, and with none.

1. Measure a pass of the loop with ten schedules, none due.
2. Create 100,000, of which 1,000 are due, and tick.
3. Measure a pass again.
"""

import time
from collections.abc import Callable

from django.db import connection

from benchmarks.fixtures import a_schedule, some
from benchmarks.rows import percentile, report
from schedules import conf
from schedules.capacity import conditions
from schedules.dispatch.loop import Loop
from schedules.dispatch.tick import tick
from schedules.models import Schedule
from stagent.lib import clock
from stagent.lib.processes.supervisor import SUPERVISOR

BATCH = 5000


def main() -> None:
    many, due = some(100_000), some(1000)
    template = a_schedule(clock.now(), cron="0 7 * * *")
    loop = Loop(execute=False)
    SUPERVISOR.add(loop.watched)  # as `run` does
    fill(template, 10, due=0)
    few = idle(loop)
    fill(template, many, due)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # what PostgreSQL does by itself within a minute
    took = seconds(lambda: tick(conditions.load(clock.now(), conf.load(), claims=True)))
    assert Schedule.objects.filter(last_fired_at__isnull=False).count() == due
    report(f"tick, {due:,} due of {many:,} schedules", f"{took:.2f} s", "< 2 s", took < 2)
    among = idle(loop)
    report("idle pass of the loop, 10 schedules", f"{few:.1f} ms")
    report(f"idle pass of the loop, {many:,} schedules", f"{among:.1f} ms", "< 5 ms", among < 5)


def fill(template: Schedule, count: int, due: int) -> None:
    """Copy a schedule many times; some copies are due."""
    moment = clock.now().replace(microsecond=0)
    for start in range(0, count, BATCH):
        Schedule.objects.bulk_create(
            copy(template, number, moment if number < due else template.next_fire_at)
            for number in range(start, min(count, start + BATCH))
        )


def copy(template: Schedule, number: int, fires_at: object) -> Schedule:
    values = {field.attname: getattr(template, field.attname) for field in Schedule._meta.concrete_fields}
    return Schedule(
        **values | {"id": None, "name": f"{number}", "next_fire_at": fires_at, "next_nominal_at": fires_at}
    )


def idle(loop: Loop) -> float:
    """Return the median of an idle pass, and of computing the sleep, in milliseconds."""

    def one_pass() -> None:
        loop.pass_once()
        loop._sleep_sec()

    one_pass()
    return percentile([seconds(one_pass) * 1000 for _ in range(some(200))], 0.5)


def seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
