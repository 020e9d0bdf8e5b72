"""Draws the timeline as SVG: x in percent to fill any width, y in pixels, colours by CSS class."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from html import escape
from itertools import pairwise

from django.utils.safestring import SafeString, mark_safe

from schedules.forecast.forecast import ExpectedRun, Forecast
from schedules.timeline import labels
from schedules.timeline.axis import Axis
from schedules.timeline.lanes import Level, levels, peaks
from schedules.timeline.rows import TimelineCell, TimelineRow

AXIS, LANE, ROW = 36, 48, 26  # heights in pixels; the stylesheet gives the names beside the picture the same
BAR, MIN_HEIGHT = 12, 3.0
LABEL_EVERY = 3  # hours
LETTER_WIDTH = 0.75  # width of a letter in percent at the narrowest picture

type Link = Callable[[int | None], str]


def draw(axis: Axis, forecasts: Sequence[Forecast], rows: Sequence[TimelineRow], link: Link) -> SafeString:
    """Draw the hours, two lanes for each forecast, and the rows; `link` returns a schedule's URL."""
    lanes = [levels(forecast, axis) for forecast in forecasts]
    most_waiting = max((level.waiting for lane in lanes for level in lane), default=0)
    top, parts = AXIS, list(_hours(axis, AXIS + 2 * LANE * len(lanes) + ROW * len(rows)))
    for forecast, lane in zip(forecasts, lanes, strict=True):
        parts += _lane(lane, forecast, most_waiting, axis, top)
        top += 2 * LANE
    for row in rows:
        parts += _row(row, axis, top, link(row.schedule_id))
        top += ROW
    label = f"Timeline, {labels.period_label(axis)}"
    picture = "".join(parts)
    return mark_safe(  # noqa: S308 - every text is escaped where it is written
        f'<svg class="timeline" data-timeline role="group" aria-label="{escape(label)}" '
        f'width="100%" height="{top}">{picture}</svg>'
    )


def _hours(axis: Axis, bottom: int) -> Iterator[str]:
    """Draw a line for each hour, a stronger one at midnight, with labels above.

    A day starts once a date: in Havana a clock change repeats midnight one night and skips it another.
    """
    begins = [
        before.date() != hour.date() for before, hour in pairwise([axis.local(axis.since), *axis.hours])
    ]
    hours = list(zip(axis.hours, begins, strict=True))
    has_room = all(axis.x(hour) > _label_width("Sun 29 Nov") for hour, begins_day in hours if begins_day)
    yield _text("day", 0, 13, f"{axis.local(axis.since):%a %d %b}") if has_room else ""
    next_x = 0.0  # leftmost position of the next hour label
    for hour, begins_day in hours:
        x = axis.x(hour)
        css = "midnight" if begins_day else "hour"
        yield f'<line class="{css}" x1="{x:.3f}%" x2="{x:.3f}%" y1="{AXIS - 6}" y2="{bottom}"/>'
        if begins_day:
            yield _text("day", x, 13, f"{hour:%a %d %b}")
        hour_label = f"{hour:%H:%M}"
        if hour.hour % LABEL_EVERY == 0 and next_x <= x <= 100 - _label_width(hour_label):
            yield _text("o-clock", x, 27, hour_label)
            next_x = x + _label_width(hour_label)


def _label_width(text: str) -> float:
    """Return the width of a label in percent, with a margin."""
    return LETTER_WIDTH * (len(text) + 1)


def _text(css: str, x: float, y: float, text: str) -> str:
    anchor = ' text-anchor="end"' if x > 100 - _label_width(text) else ""
    return f'<text class="{css}" x="{x:.3f}%" y="{y:g}"{anchor}>{escape(text)}</text>'


def _lane(
    lane: Sequence[Level], forecast: Forecast, most_waiting: int, axis: Axis, top: int
) -> Iterator[str]:
    """Draw the running level below the line of the cap, and the waiting level beneath it."""
    highest = max(forecast.cap, max((level.running for level in lane), default=0))
    for level in lane:
        if not (level.running or level.waiting):
            continue
        x, width = axis.x(level.begins), axis.x(level.ends) - axis.x(level.begins)
        run = _column("run", x, width, top + LANE, level.running / highest)
        wait = _column("queue", x, width, top + 2 * LANE, level.waiting / max(1, most_waiting))
        size = f'width="{width:.3f}%" height="{2 * LANE}"'
        background = f'<rect class="background" x="{x:.3f}%" y="{top}" {size}/>'
        yield f"<g><title>{escape(labels.level_label(level, axis))}</title>{background}{run}{wait}</g>"
    line = top + LANE - (LANE - 14) * forecast.cap / highest
    yield f'<line class="cap" x1="0" x2="100%" y1="{line:.1f}" y2="{line:.1f}"/>'
    yield _text("cap", 0, line - 3, f"cap {forecast.cap}")
    for peak in peaks(lane):
        x = axis.x(peak.begins)
        height = (LANE - 14) * peak.waiting / most_waiting
        yield _text("peak", max(0.5, x), top + 2 * LANE - height - 2, f"▾ {peak.waiting} waiting")
    for bottom in (top + LANE, top + 2 * LANE):
        yield f'<line class="base" x1="0" x2="100%" y1="{bottom}" y2="{bottom}"/>'


def _column(css: str, x: float, width: float, bottom: int, share: float) -> str:
    if share <= 0:
        return ""
    height = max(MIN_HEIGHT, (LANE - 14) * share)
    position = f'x="{x:.3f}%" y="{bottom - height:.1f}"'
    return f'<rect class="{css}" {position} width="{width:.3f}%" height="{height:.1f}"/>'


def _row(row: TimelineRow, axis: Axis, top: int, url: str) -> Iterator[str]:
    """Draw a row's runs as links; Tab reaches the first, arrow keys the others."""
    yield f'<g class="row"><line class="base" x1="0" x2="100%" y1="{top + ROW}" y2="{top + ROW}"/>'
    middle = top + (ROW - BAR) / 2
    busiest = max((cell.level + cell.queue for cell in row.cells), default=0)
    drawn = [(labels.bar_label(one, axis), _bar(one, axis, middle)) for one in row.bars]
    drawn += [(labels.cell_label(cell, axis), _cell(cell, axis, top, busiest)) for cell in row.cells]
    for number, (label, shape) in enumerate(drawn):
        stop = -1 if number else 0
        yield f'<a href="{escape(url)}" tabindex="{stop}"><title>{escape(label)}</title>{shape}</a>'
    yield "</g>"


def _bar(one: ExpectedRun, axis: Axis, y: float) -> str:
    """Draw the wait light and the run dark; a firing without a run is a hollow circle."""
    due, start, end = one.due_at, one.start_at, one.end_at
    if not (start and end):
        return f'<circle class="skipped" cx="{axis.x(due):.3f}%" cy="{y + BAR / 2:g}" r="3.5"/>'
    wait = _interval("queue", due, start, axis, y) if start > due else ""
    return wait + _interval("run", start, end, axis, y)


def _interval(css: str, begins: datetime, ends: datetime, axis: Axis, y: float) -> str:
    x, width = axis.x(begins), axis.x(ends) - axis.x(begins)
    return f'<rect class="{css}" x="{x:.3f}%" y="{y:g}" width="{width:.3f}%" height="{BAR}"/>'


def _cell(cell: TimelineCell, axis: Axis, top: int, busiest: float) -> str:
    """Draw the working level of an hour and the waiting level above it."""
    scale = (ROW - 6) / max(1.0, busiest)
    run, wait = max(MIN_HEIGHT, scale * cell.level), scale * cell.queue
    x, width = axis.x(cell.begins), axis.x(cell.ends) - axis.x(cell.begins)
    position = f'x="{x:.3f}%" width="{width:.3f}%"'
    background = f'<rect class="background" {position} y="{top + 1}" height="{ROW - 2}"/>'
    bottom = top + ROW
    queue = (
        f'<rect class="queue" {position} y="{bottom - run - wait:.1f}" height="{wait:.1f}"/>' if wait else ""
    )
    return f'{background}{queue}<rect class="run flat" {position} y="{bottom - run:.1f}" height="{run:.1f}"/>'
