"""Counters and histograms that only grow, for rate() and histogram_quantile()."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from schedules.monitoring.rollups import sources
from schedules.monitoring.rollups.histograms import Histogram, Totals


@dataclass(frozen=True)
class Counted:
    """A counter: its name, the prefix of its keys in the totals, and its labels."""

    name: str
    key: str
    labels: tuple[str, ...]
    meaning: str
    scale: int = 1

    def values(self, totals: Totals) -> Metric:
        family = CounterMetricFamily(self.name, self.meaning, labels=self.labels)
        for key, value in sorted(totals.items()):
            first, *labels = key.split("|")
            if first == self.key:
                family.add_metric(labels, value / self.scale)
        return family


COUNTERS = (
    Counted("stagent_firings", "firings", ("outcome",), "Due instants by what was decided about them."),
    Counted("stagent_runs", "runs", ("status", "source"), "Runs that ended."),
    Counted("stagent_run_failures", "failures", ("reason",), "Runs that failed, by reason."),
    Counted("stagent_turns", "replies", ("activity",), "Replies of models that are in the ledger."),
    Counted("stagent_forced_runs", "forced", (), "Runs that somebody forced past the cap."),
    Counted("stagent_cost_usd", "cost", ("activity",), "Money spent, in USD.", sources.COINS_PER_USD),
    Counted("stagent_unpriced_turns", "unpriced", ("activity",), "Replies without a known price."),
    *(
        Counted(
            f"stagent_{kind}_tokens", f"tokens_{kind}", ("activity",), f"Tokens: {kind.replace('_', ' ')}."
        )
        for kind in sources.TOKENS
    ),
    Counted("stagent_streams", "streams", ("reason",), "Replies that ended, by reason."),
)
HISTOGRAMS: Mapping[str, tuple[Histogram, str]] = {
    "stagent_firing_lateness_seconds": (
        sources.LATENESS, "From due, jitter included, to fired; without firings that stepped back for chat."
    ),
    "stagent_run_slot_wait_seconds": (sources.SLOT_WAIT, "From queued to its slot, of runs that ended."),
    "stagent_run_duration_seconds": (sources.DURATION, "Time at work of runs that ended."),
    "stagent_run_turns": (sources.TURNS, "Agent steps of runs that ended."),
    "stagent_run_event_loop_lag_seconds": (sources.LAG, "Event-loop lag while a run ran: the p99 of each."),
    "stagent_first_token_seconds": (sources.FIRST_TOKEN, "From a message to the first word of its answer."),
    "stagent_first_token_overhead_seconds": (sources.OVERHEAD, "The part of it that was not the model's."),
}  # fmt: skip


def collect(totals: Totals) -> Iterator[Metric]:
    """Return every counter and histogram."""
    for counter in COUNTERS:
        yield counter.values(totals)
    for name, (histogram, meaning) in HISTOGRAMS.items():
        buckets, total = histogram.values(totals)
        yield HistogramMetricFamily(name, meaning, buckets=buckets, sum_value=total)
