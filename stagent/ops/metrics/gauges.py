"""Gauges at the moment of the scrape."""

from collections.abc import Iterable, Iterator, Mapping

from django.db.models import Count, Min
from prometheus_client.core import GaugeMetricFamily, Metric

from agents.models import Provider
from schedules.capacity import wait_reasons
from schedules.capacity.conditions import StartConditions
from schedules.dashboard import slots
from schedules.models import Delivery, Run, Schedule, Scheduler
from schedules.states import ScheduleStatus

MIB = 1024 * 1024


def collect(at: StartConditions) -> Iterator[Metric]:
    """Return every gauge."""
    yield from _slots(at)
    yield from _queue(at)
    stopped = int(at.conf.stopped)
    yield _one("stagent_scheduled_work_stopped", "1 while the switch stops all scheduled work.", stopped)
    yield _one("stagent_live_streams", "Replies that stream right now.", at.live_streams)
    yield _by("stagent_schedules", "Schedules by status.", "status", _schedules())
    yield from _breakers(at)
    yield from _schedulers(at)
    pending = Delivery.objects.filter(status=Delivery.Status.PENDING).count()
    yield _one("stagent_deliveries_pending", "Results and warnings that are still on their way.", pending)


def _slots(at: StartConditions) -> Iterator[Metric]:
    pools = slots.load(at.conf)
    sizes, held = {pool.name: pool.size for pool in pools}, {pool.name: pool.held for pool in pools}
    yield _one("stagent_cap", "Runs at once over all schedules: the cap in force.", at.conf.max_concurrent)
    yield _by("stagent_slots", "Places to run, by pool.", "pool", sizes)
    yield _by("stagent_slots_held", "Places that are taken, by pool.", "pool", held)


def _queue(at: StartConditions) -> Iterator[Metric]:
    queued: dict[str, int] = {reason.value: number for reason, number in wait_reasons.count(at).items()}
    oldest = Run.objects.queued().order_by().aggregate(at=Min("queued_at"))["at"]
    age = max(0.0, (at.now - oldest).total_seconds()) if oldest else 0
    yield _by("stagent_queued_runs", "Runs in the queue, by what they wait for.", "wait_reason", queued)
    yield _one("stagent_queue_oldest_age_seconds", "How long the oldest queued run has waited.", age)
    yield _one("stagent_running_runs", "Runs at work.", Run.objects.running().count())
    yield _one(
        "stagent_waiting_runs", "Runs put aside until a person answers.", Run.objects.waiting().count()
    )


def _schedules() -> dict[str, int]:
    counted = dict(Schedule.objects.order_by().values_list("status").annotate(Count("pk")))
    return {status: counted.get(status, 0) for status in ScheduleStatus}


def _breakers(at: StartConditions) -> Iterator[Metric]:
    providers = {provider.name: provider for provider in Provider.objects.all()}
    opened = {name: int(provider.opened_at is not None) for name, provider in providers.items()}
    asked = {name: int(_ahead(provider, at)) for name, provider in providers.items()}
    yield _by("stagent_breaker_open", "1 where a provider refused us: open or half open.", "provider", opened)
    yield _by("stagent_provider_patience", "1 where a provider asked us to slow down.", "provider", asked)


def _ahead(provider: Provider, at: StartConditions) -> bool:
    return provider.blocked_until is not None and provider.blocked_until > at.now


def _schedulers(at: StartConditions) -> Iterator[Metric]:
    alive = Scheduler.objects.running(at.now)
    kinds = {"true": 0, "false": 0}
    for one in alive:
        kinds[str(one.executes).lower()] += 1
    yield _by("stagent_schedulers", "Scheduler and worker processes seen lately.", "executes", kinds)
    caps = (
        ([one.host, str(one.pid), one.cap_source], one.cap)
        for one in alive
        if one.cap is not None and not one.is_worker
    )
    yield _family(
        "stagent_scheduler_cap",
        "Runs at once that it claims up to, and where it has that from.",
        ["host", "pid", "source"],
        caps,
    )
    lag = {one: one.event_loop_lag_ms / 1000 for one in alive if one.event_loop_lag_ms is not None}
    memory = {one: one.rss_mb * MIB for one in alive if one.rss_mb is not None}
    yield _each(
        "stagent_scheduler_event_loop_lag_seconds",
        "How late its event loop was, p99 of the last minute.",
        lag,
    )
    wait = {one: one.database_wait_ms / 1000 for one in alive if one.database_wait_ms is not None}
    yield _each(
        "stagent_scheduler_database_wait_seconds",
        "How long its runs waited for a database thread, p99 of the last minute.",
        wait,
    )
    yield _each("stagent_scheduler_resident_memory_bytes", "Memory that it holds.", memory)


def _one(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)


def _by(name: str, meaning: str, label: str, values: Mapping[str, float]) -> Metric:
    return _family(name, meaning, [label], (([key], value) for key, value in values.items()))


def _each(name: str, meaning: str, values: Mapping[Scheduler, float]) -> Metric:
    samples = (([one.host, str(one.pid)], value) for one, value in values.items())
    return _family(name, meaning, ["host", "pid"], samples)


def _family(name: str, meaning: str, labels: list[str], samples: Iterable[tuple[list[str], float]]) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=labels)
    for label_values, value in samples:
        family.add_metric(label_values, value)
    return family
