"""Every console page and API endpoint in a large install.

1. Fill the database with 10,000 schedules, 1,000,000 firings of a month, 100,000 runs, and 100,000 messages
   in 2,000 conversations.
2. Request each page, list and endpoint as an administrator, several times, through Django's test client; of
   each list also every filter, sort order, page and search.
3. Export the firings and report the memory.
4. Report the phases of an idle scheduler's pass, and the slowest pages.
"""

import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from resource import RUSAGE_SELF, getrusage
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from django.test.client import MULTIPART_CONTENT

from benchmarks.fixtures import QUICK, some
from benchmarks.pages import Ask, asks, lists, searches
from benchmarks.rows import percentile, report
from schedules.capacity import conditions, effective_cap
from schedules.dispatch import retention
from schedules.dispatch.reaper import reap
from schedules.dispatch.tick import tick
from schedules.models import Firing, Schedule
from schedules.monitoring.rollups import rollup
from stagent.lib import clock
from stagent.lib.processes.gc_tuning import freeze_gc

GOAL_MS = 300
WORK_MS = 100  # of a phase of the scheduler
PATIENCE_MS = 3_000  # what takes longer is asked for once more only
TIMES = 8 if QUICK else 20
VIEW_TIMES = 3 if QUICK else 5
WORTH_TELLING_MS = 60  # a view of a list
LINK = re.compile(r'href="(\?[^"#]+)"')
EXPORT = "/api/firings?format=csv"

type Took = tuple[float, float]


def main() -> None:
    user, _ = get_user_model().objects.get_or_create(
        username="bench", defaults={"is_staff": True, "is_superuser": True}
    )
    if not Schedule.objects.exists():
        fill()
    settings.ALLOWED_HOSTS = ["localhost"]
    call_command("collectstatic", interactive=False, verbosity=0)
    client = Client(headers={"host": "localhost"}, raise_request_exception=False)
    client.force_login(user)
    client.get("/admin/", secure=True)  # what is imported and compiled once is not the page's
    freeze_gc()  # as the web process does
    worst = max(*_pages(client), *_lists(client))
    _export(client)
    _phases()
    what = f"the slowest of all, {Schedule.objects.count():,} schedules, {Firing.objects.count():,} firings"
    report(what, f"p95 {worst:.0f} ms", f"< {GOAL_MS} ms", worst < GOAL_MS)


def fill() -> None:
    began = time.perf_counter()
    call_command(
        "fill", schedules=some(10_000), firings=some(1_000_000), runs=some(100_000),
        conversations=some(2_000), messages=some(100_000),
    )  # fmt: skip
    report("filling", f"{time.perf_counter() - began:.0f} s")


def _pages(client: Client) -> Iterator[float]:
    for ask in asks():
        took = _measure(client, ask, TIMES)
        report(ask.name, _format(took))
        yield 0.0 if ask.beside else _p95(took)


def _lists(client: Client) -> Iterator[float]:
    """Measure each list and, less often, its views; report the list and slow views."""
    for model, address in lists().items():
        report(address, _format(took := _measure(client, Ask(address), TIMES)))
        yield _p95(took)
        page = client.get(address, secure=True).content.decode()
        views = {unescape(link) for link in LINK.findall(page)} | set(searches(model))
        found = {view: _measure(client, Ask(address + view), VIEW_TIMES) for view in sorted(views)}
        for view, took in found.items():
            if _p95(took) > WORTH_TELLING_MS:
                report(address + view, _format(took))
        if found:
            slowest = max(map(_p95, found.values()))
            report(f"{address}, {len(found)} filters, sorts and pages", f"the slowest {slowest:.0f} ms")
            yield slowest


def _measure(client: Client, ask: Ask, times: int) -> list[Took]:
    """Request several times; return the elapsed time, and our own processor time."""
    first = _once(client, ask)
    return [_once(client, ask) for _ in range(times if first[0] < PATIENCE_MS else 1)]


def _once(client: Client, ask: Ask) -> Took:
    """Return the elapsed time, and our own processor time."""
    wall, cpu = time.perf_counter(), time.process_time()
    if ask.sent:
        kind = "application/json" if ask.json else MULTIPART_CONTENT
        answer = client.post(ask.address, ask.sent, content_type=kind, secure=True)
    else:
        answer = client.get(ask.address, secure=True, follow=True)
    took = (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000
    if answer.status_code != 200:
        raise RuntimeError(f"{ask.name} answers {answer.status_code}: {answer.content[:300]!r}")
    return took


def _export(client: Client) -> None:
    """Read all firings as CSV and report the memory."""
    before, began = getrusage(RUSAGE_SELF).ru_maxrss, time.perf_counter()
    answer: Any = client.get(EXPORT, secure=True)
    first, size = None, 0
    for piece in answer.streaming_content if answer.streaming else [answer.content]:
        first = first or time.perf_counter() - began
        size += len(piece)
    took, more = time.perf_counter() - began, (getrusage(RUSAGE_SELF).ru_maxrss - before) / 1024
    first_events = f"{size / 1e6:.0f} MB in {took:.1f} s, the first piece after {1000 * (first or 0):.0f} ms"
    report(EXPORT, f"{first_events}; {more:.0f} MB of memory more")


def _phases() -> None:
    """Measure the phases of an idle pass, and the parts that read many rows."""
    day = timedelta(days=1)
    phases: dict[str, Callable[[], object]] = {
        "tick": lambda: tick(conditions.load(clock.now(), effective_cap.load(clock.now()))),
        "reap": lambda: reap(clock.now()),
        "look at the situation": lambda: conditions.load(clock.now(), effective_cap.load(clock.now())),
        "count for /metrics": lambda: rollup.update(clock.now() + timedelta(hours=1)),
        "prune, nothing old": lambda: retention.prune(clock.now() - day * 60, 90, seconds=0.05),
        "prune, a slice of the old": lambda: retention.prune(clock.now(), 25, seconds=0.05),
    }
    for name, phase in phases.items():
        took = [_work(phase) for _ in range(VIEW_TIMES)]
        worst = max(cpu for _, cpu in took)
        report(f"phase: {name}", _format(took), f"work < {WORK_MS} ms", worst < WORK_MS)


def _work(phase: Callable[[], object]) -> Took:
    wall, cpu = time.perf_counter(), time.process_time()
    phase()
    return (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000


def _p95(took: list[Took]) -> float:
    return percentile([wall for wall, _ in took], 0.95)


def _format(took: list[Took]) -> str:
    walls, cpus = zip(*took, strict=True)
    p50, work = percentile(walls, 0.5), percentile(cpus, 0.5)
    return f"p50 {p50:.0f} ms, p95 {_p95(took):.0f} ms; work {work:.0f} ms"


if __name__ == "__main__":
    main()
