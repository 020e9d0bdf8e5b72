"""Forecasting with a thousand schedules: the collision check of one, and the forecast of all.

1. Create 1,000 schedules with a history: daily, hourly, some every quarter of an hour.
2. Check a new one against them, the first time and again.
3. Forecast 48 hours.
"""

from datetime import timedelta

from benchmarks.fixtures import a_schedule, some
from benchmarks.rows import percentile, report
from benchmarks.ticks import copy, seconds
from schedules import conf
from schedules.capacity import conditions
from schedules.forecast import collisions
from schedules.forecast.forecast import forecast
from schedules.models import Schedule
from stagent.lib import clock

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo")


def main() -> None:
    many = some(1000)
    now = clock.now()
    fill(many)
    mine = a_schedule(now, cron="0 * * * *")
    Schedule.objects.filter(pk=mine.pk).update(avg_duration_ms=600_000)
    mine.refresh_from_db()
    took = [seconds(lambda: collisions.check(mine, now)) * 1000 for _ in range(some(50))]
    what = f"collision check against {many:,} schedules"
    report(f"{what}, the first of a process", f"{took[0]:.0f} ms", "< 200 ms", took[0] < 200)
    report(f"{what}, again", f"p50 {percentile(took[1:], 0.5):.0f} ms")
    ahead = seconds(lambda: forecast(conditions.load(now, conf.load())))
    firings = len(forecast(conditions.load(now, conf.load())).firings)
    report(f"forecast of 48 h, {many:,} schedules, {firings:,} firings", f"{ahead:.2f} s", "< 1 s", ahead < 1)


def fill(many: int) -> None:
    """Copy a schedule, each copy with its own timing and half a minute of work."""
    now = clock.now()
    template = a_schedule(now)
    Schedule.objects.bulk_create(
        with_history(copy(template, number, now + timedelta(minutes=1)), number) for number in range(many)
    )


def with_history(schedule: Schedule, number: int) -> Schedule:
    schedule.cron, schedule.timezone = rhythm(number), ZONES[number % len(ZONES)]
    schedule.avg_turns_per_firing, schedule.avg_duration_ms = number % 90 + 10, 30_000
    return schedule


def rhythm(number: int) -> str:
    minute, hour = number % 60, number // 60 % 24
    match number % 10:
        case 0:
            return f"{number % 15}-59/15 * * * *"
        case 1 | 2 | 3:
            return f"{minute} * * * *"
        case _:
            return f"{minute} {hour} * * *"


if __name__ == "__main__":
    main()
