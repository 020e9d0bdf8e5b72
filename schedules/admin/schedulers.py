"""The admin of scheduler and worker processes."""

from datetime import timedelta

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from schedules.models import Scheduler
from schedules.models.scheduler import ALIVE_SEC
from schedules.monitoring import process_reports
from stagent.lib import clock
from stagent.lib.web import formatting
from stagent.lib.web.admin import ReadOnlyAdmin


@admin.register(Scheduler)
class SchedulerAdmin(ReadOnlyAdmin):
    list_display = (
        "host",
        "pid",
        "state",
        "parts",
        "started",
        "seen",
        "works_by",
        "loop_lag",
        "database_wait",
        "memory",
        "holder",
    )
    list_display_links = None
    empty_text = (
        "Start a scheduler with `python manage.py runscheduler`, "
        "or the web process and a scheduler with `make run`."
    )

    @admin.display(description="state")
    def state(self, scheduler: Scheduler) -> SafeString:
        now = clock.now()
        if scheduler.seen_at <= now - timedelta(seconds=ALIVE_SEC) or scheduler.is_dead(now):
            return formatting.badge("lost", "bad", "No heartbeat, and no orderly shutdown")
        if scheduler.is_worker:
            pools = f"Executes runs of {scheduler.pools or 'all pools'}"
            return formatting.badge("worker", "good", pools)
        if scheduler.executes:
            return formatting.badge("running", "good")
        if scheduler.claims:
            return formatting.badge("dispatching", "good", "Workers execute the runs it claims")
        return formatting.badge("ticking only", "wait", "Started with --no-execute")

    @admin.display(description="threads and tasks")
    def parts(self, scheduler: Scheduler) -> SafeString | str:
        """Name the parts that are broken or were restarted lately."""
        found = [
            one for one in process_reports.troubles(clock.now()) if one.process.holder == scheduler.holder
        ]
        broken = any(one.is_broken for one in found)
        names = ", ".join(f"{one.part} {one.state}" for one in found)
        why = "; ".join(str(one) for one in found)
        return formatting.badge(names, "bad" if broken else "wait", why) if found else "all healthy"

    @admin.display(description="started", ordering="started_at")
    def started(self, scheduler: Scheduler) -> SafeString:
        return formatting.ago(scheduler.started_at, clock.now())

    @admin.display(description="last seen", ordering="seen_at")
    def seen(self, scheduler: Scheduler) -> SafeString:
        return formatting.ago(scheduler.seen_at, clock.now())

    @admin.display(description="cap in use")
    def works_by(self, scheduler: Scheduler) -> SafeString:
        if scheduler.cap is None or not (scheduler.claims or scheduler.executes):
            return formatting.EMPTY
        if scheduler.is_worker:
            return format_html(
                '{}<span class="under">{}</span>', formatting.count(scheduler.cap), "own limit"
            )
        cap = formatting.count(scheduler.cap)
        return format_html('{}<span class="under">{}</span>', cap, scheduler.cap_source)

    @admin.display(description="loop lag, p99")
    def loop_lag(self, scheduler: Scheduler) -> SafeString:
        return formatting.duration(scheduler.event_loop_lag_ms)

    @admin.display(description="database wait, p99")
    def database_wait(self, scheduler: Scheduler) -> SafeString:
        return formatting.duration(scheduler.database_wait_ms)

    @admin.display(description="memory")
    def memory(self, scheduler: Scheduler) -> SafeString | str:
        return f"{scheduler.rss_mb:.0f} MB" if scheduler.rss_mb is not None else formatting.EMPTY
