"""What every page of the console and every list of the API costs in a large install.

1. Fill the database with 10,000 schedules, 1,000,000 firings of a month and 100,000 runs, unless it is full.
2. Ask for each page as an administrator, several times after a first one, through Django's own client.
3. Tell the median and the 95th percentile of each, and the worst of all; beside it the forecast, which plays
   two days of all schedules.
"""

import time
from collections.abc import Iterator

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from benchmarks.ground import QUICK, some
from benchmarks.rows import percentile, tell
from schedules.models import Firing, Run, Schedule

GOAL_MS = 300
PATIENCE_MS = 3_000  # a page that takes longer is asked for once more only
TIMES = 8 if QUICK else 20
LISTS = (
    "schedules",
    "runs",
    "firings",
    "questions",
    "settings",
    "status",
    "conversations",
)
SEARCHED = {"schedules.schedule": "sales", "schedules.run": "invoices", "schedules.firing": "invoices"}


def main() -> None:
    if not Schedule.objects.exists():
        sizes = {"schedules": some(10_000), "firings": some(1_000_000), "runs": some(100_000)}
        call_command("fill", **sizes)
    settings.ALLOWED_HOSTS = ["localhost"]
    call_command("collectstatic", interactive=False, verbosity=0)
    administrator = {"is_staff": True, "is_superuser": True}
    user, _ = get_user_model().objects.get_or_create(username="bench", defaults=administrator)
    client = Client(headers={"host": "localhost"}, raise_request_exception=False)
    client.force_login(user)
    client.get("/admin/", secure=True)  # what is imported and compiled once is not the page's
    worst = max(measure(client, page) for page in pages())
    measure(client, reverse("admin:forecast"))
    what = f"the slowest of all, {Schedule.objects.count():,} schedules, {Firing.objects.count():,} firings"
    tell(what, f"p95 {worst:.0f} ms", f"< {GOAL_MS} ms", worst < GOAL_MS)


def pages() -> Iterator[str]:
    """Return the address of every page: lists, searches, one thing of each kind, the API, the metrics."""
    yield reverse("admin:index")
    for model in admin.site._registry:
        if (label := model._meta.label_lower).startswith(("agents.", "schedules.", "stagent.", "chat.")):
            yield from _of_model(label)
    yield from (f"/api/{name}" for name in LISTS)
    schedule, run = Schedule.objects.order_by("-pk")[0], Run.objects.order_by("-pk")[0]
    yield f"/api/schedules/{schedule.pk}"
    yield f"/api/schedules/{schedule.pk}/firings"
    yield f"/api/runs/{run.pk}"
    yield "/api/runs?status=failed"
    yield "/api/firings?failure_reason=timeout"
    yield "/metrics"


def _of_model(label: str) -> Iterator[str]:
    app, name = label.split(".")
    here = reverse(f"admin:{app}_{name}_changelist")
    yield here
    if label in SEARCHED:
        yield f"{here}?q={SEARCHED[label]}"
        model = {"schedule": Schedule, "run": Run, "firing": Firing}[name]
        yield reverse(f"admin:{app}_{name}_change", args=[model.objects.order_by("-pk")[0].pk])
    if label == "schedules.schedule":
        yield reverse("admin:schedules_schedule_add")


def measure(client: Client, page: str) -> float:
    """Ask for a page several times and tell what it took; return its 95th percentile, in milliseconds."""
    first = _once(client, page)
    took = [_once(client, page) for _ in range(TIMES if first[0] < PATIENCE_MS else 1)]
    p50, p95 = (percentile([wall for wall, _ in took], share) for share in (0.5, 0.95))
    cpu = percentile([cpu for _, cpu in took], 0.5)
    tell(page, f"p50 {p50:.0f} ms, p95 {p95:.0f} ms; CPU {cpu:.0f} ms")
    return p95


def _once(client: Client, page: str) -> tuple[float, float]:
    """Return what a page took by the clock, and of our own work: the rest is waiting for the machine."""
    wall, cpu = time.perf_counter(), time.process_time()
    answer = client.get(page, secure=True)
    took = (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000
    if answer.status_code != 200:
        raise RuntimeError(f"{page} answers {answer.status_code}")
    return took


if __name__ == "__main__":
    main()
