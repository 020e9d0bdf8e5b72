"""The results: a row for each system, compared with the best of the others."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.rows import percentile, report

LEVEL = 1.2  # so much slower than the best of the others still is level with it


@dataclass(frozen=True, eq=False)
class Result:
    """The measurements of one system: milliseconds, and jobs per second."""

    who: str
    ours: bool
    picked_up: Sequence[float] = ()
    rate: Sequence[float] = ()
    late: Sequence[float] = ()


def report_results(results: Sequence[Result]) -> None:
    queued, due = "queued in another process → begun", "due by the minute → begun, 5 at once"
    _report_times(queued, results, "picked_up", "p50 {:.1f} ms, p99 {:.1f} ms", 0.99)
    _report_times(due, results, "late", "p50 {:.1f} ms, last {:.1f} ms", 1)
    _report_rates(results)


def _report_times(what: str, results: Sequence[Result], measure: str, figure: str, high: float) -> None:
    times = {result: values for result in results if (values := getattr(result, measure))}
    best = min((percentile(values, 0.5) for one, values in times.items() if not one.ours), default=None)
    for one, values in sorted(times.items(), key=lambda item: percentile(item[1], 0.5)):
        middle = percentile(values, 0.5)
        text = figure.format(middle, percentile(values, high))
        _report(what, one, text, None if best is None else middle / best)


def _report_rates(results: Sequence[Result]) -> None:
    rates = {result: result.rate[0] for result in results if result.rate}
    best = max((rate for one, rate in rates.items() if not one.ours), default=None)
    for one, rate in sorted(rates.items(), key=lambda item: -item[1]):
        text = f"{rate:.0f} a second"
        _report("many queued at once → begun", one, text, None if best is None else best / rate)


def _report(what: str, one: Result, figure: str, times_the_best: float | None) -> None:
    """Print a row; only ours has a goal."""
    if times_the_best is None:
        report(what, figure, on=one.who)
        return
    text = f"{figure}; {times_the_best:.1f} × the best of the others"
    goal, met = ("ahead or level", times_the_best <= LEVEL) if one.ours else ("", None)
    report(what, text, goal, met, on=one.who)
