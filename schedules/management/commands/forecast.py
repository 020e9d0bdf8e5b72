"""Print the forecast of the coming hours, as a table or as JSON.

1. Load the active schedules, their average durations, and the running and queued runs.
2. Simulate every firing under the cap; with --cap under that one too.
3. Print the totals, the days, and the next firings with their expected starts.
"""

import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from schedules import conf
from schedules.capacity import conditions, effective_cap
from schedules.forecast import inputs
from schedules.forecast.as_json import answer
from schedules.forecast.forecast import HOURS, MOST_HOURS, OUTCOMES, ExpectedRun, Forecast, ForecastDay, play
from schedules.timing.timezones import zone
from stagent.lib import clock
from stagent.lib.web.formatting import money

ROWS = 30


class Command(BaseCommand):
    help = "Say what the coming hours hold: expected starts, waits, the peak, steps and cost."

    def add_arguments(self, parser: ArgumentParser) -> None:
        most = conf.BY_NAME["SCHEDULE_MAX_CONCURRENT"].most
        parser.add_argument("--hours", type=_from_1_to(MOST_HOURS), default=HOURS, help=f"default {HOURS}")
        parser.add_argument("--cap", type=_from_1_to(most), metavar="N", help="what if the cap were N?")
        parser.add_argument(
            "--rows", type=_from_1_to(100_000), default=ROWS, help=f"firings listed, default {ROWS}"
        )
        parser.add_argument("--json", action="store_true", help="everything, for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        until = now + timedelta(hours=options["hours"])
        at_present = conditions.load(now, effective_cap.load(now))
        cap = at_present.conf.max_concurrent
        workload = inputs.load(at_present, until)
        asked = play(workload, now=now, until=until, cap=options["cap"] or cap)
        if options["json"]:
            self.stdout.write(json.dumps(answer(asked), indent=2))
            return
        in_force = play(workload, now=now, until=until, cap=cap) if asked.cap != cap else None
        self.stdout.write("\n".join(_lines(asked, in_force, options["rows"])))


def _from_1_to(most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if text.isdecimal() and 1 <= int(text) <= most:
            return int(text)
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1 to {most}.")

    return read


def _lines(forecast: Forecast, in_force: Forecast | None, rows: int) -> Iterable[str]:
    yield f"From {_clock(forecast.now)} to {_clock(forecast.until)}, {settings.TIME_ZONE}. An estimate."
    if forecast.stopped:
        yield "All scheduled work is stopped (SCHEDULED_WORK_STOPPED); the times hold if it starts again now."
    yield from _sums(forecast)
    if in_force:
        yield from ("", "As it is:", *_sums(in_force))
    if forecast.omitted:
        yield f"{forecast.omitted} schedules that come due later are not looked at."
    if forecast.firings:
        yield from ("", *_table(["Day", "Firings", "Runs", "Steps", "Cost"], map(_day, forecast.days)))
        yield from ("", *_table(["Due", "Starts", "Waits", "Schedule"], map(_row, forecast.firings[:rows])))
    if more := len(forecast.firings[rows:]):
        yield f"… and {more} more (--rows {len(forecast.firings)})."


def _sums(forecast: Forecast) -> Iterable[str]:
    """Return the totals, in lines of at most 80 columns."""
    if not forecast.firings:
        yield f"Cap {forecast.cap}: nothing is due."
        return
    kept = len(forecast.firings) - forecast.runs
    skipped = f", {kept} {'does' if kept == 1 else 'do'} not" if kept else ""
    yield f"Cap {forecast.cap}: {forecast.runs} of {len(forecast.firings)} firings run{skipped}."
    yield f"At most {forecast.peak_running} at once and {forecast.peak_waiting} waiting."
    longest, most = _for(forecast.longest_wait_sec), _for(forecast.wait_p95_sec)
    yield f"The longest wait is {longest}; 95 % wait {most} or less."


def _day(day: ForecastDay) -> list[str]:
    return [
        f"{day.date:%a %d %b}",
        f"{day.firings:,}",
        f"{day.runs:,}",
        f"{day.turns:,.0f}",
        money(Decimal(day.cost_usd), day.unpriced, digits=2),
    ]


def _row(firing: ExpectedRun) -> list[str]:
    starts = f"{_local(firing.start_at):%H:%M:%S}" if firing.start_at else "–"
    outcome = f" ({OUTCOMES[firing.outcome]})" if firing.outcome in OUTCOMES else ""
    waits = _for(firing.wait_sec) if firing.start_at and firing.wait_sec >= 1 else ""
    return [_clock(firing.due_at), starts, waits, f"{' '.join(firing.schedule.name.split())}{outcome}"]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    """Format columns to their width, numbers to the right, the last column open."""
    lines = [heads, *rows]
    widths = [max(len(line[number]) for line in lines) for number in range(len(heads))]
    for line in lines:
        cells = [
            text.rjust(width) if number else text.ljust(width)
            for number, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        cells[-1] = line[-1].rjust(widths[-1]) if heads[-1] == "Cost" else line[-1]
        yield "  ".join(cells).rstrip()


def _for(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _clock(moment: datetime) -> str:
    return f"{_local(moment):%a %d %b %H:%M}"


def _local(moment: datetime) -> datetime:
    return moment.astimezone(zone(settings.TIME_ZONE))
