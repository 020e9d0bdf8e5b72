"""The columns of the list of runs."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents.spending import budgets
from schedules import conf
from schedules.admin.badges import run_badge
from schedules.capacity import conditions, effective_cap
from schedules.dashboard import queue
from schedules.models import Run
from schedules.states import RunStatus
from stagent.lib import clock
from stagent.lib.web import formatting
from stagent.lib.web.admin import ReadOnlyAdmin

MILLISECOND = timedelta(milliseconds=1)


class RunChangeList(ChangeList):
    """A page of runs; queued ones carry their wait reason and expected start."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        runs = list(self.result_list)
        unpriced = budgets.unpriced("run_id", [run.pk for run in runs])
        for run in runs:
            run.unpriced_turns = unpriced[run.pk]
        queued = [run for run in runs if run.status == RunStatus.QUEUED]
        if queued:
            queued_runs = queue.explain(queued, conditions.load(now := clock.now(), effective_cap.load(now)))
            waiting = {one.run.pk: one for one in queued_runs}
            for run in queued:
                run.waiting = waiting[run.pk]
        self.result_list = runs


class RunColumns(ReadOnlyAdmin):
    list_display: Any = (
        "title",
        "state",
        "run_source",
        "steps",
        "tokens",
        "cost",
        "waited",
        "took",
        "queued",
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RunChangeList

    @admin.display(description="run", ordering="pk")
    def title(self, run: Run) -> SafeString:
        return format_html('{}<span class="under">run {}</span>', run.schedule_name, run.pk)

    @admin.display(description="status", ordering="status")
    def state(self, run: Run) -> SafeString:
        return format_html('{}<span class="under">{}</span>', run_badge(run), self._status_detail(run))

    def _status_detail(self, run: Run) -> str:
        if waiting := getattr(run, "waiting", None):
            return str(waiting.sentence)
        if run.status == RunStatus.WAITING:
            return "waiting for an answer"
        if run.status == RunStatus.RUNNING and run.cancel_requested_at:
            return "cancelling"
        if run.status == RunStatus.CANCELLED:
            return run.cancel_reason
        return run.failure_reason.replace("_", " ")

    @admin.display(description="source", ordering="source")
    def run_source(self, run: Run) -> SafeString:
        forced = formatting.badge("forced", "wait") if run.forced else ""
        attempt = f"attempt {run.attempt}" if run.attempt > 1 else ""
        return format_html('{} {}<span class="under">{}</span>', run.source, forced, attempt)

    @admin.display(description="steps", ordering="turn_count")
    def steps(self, run: Run) -> SafeString:
        most = (
            format_html('<span class="quiet"> / {}</span>', formatting.count(run.max_turns))
            if run.max_turns
            else ""
        )
        return format_html("{}{}", formatting.count(run.turn_count), most)

    @admin.display(description="tokens", ordering="output_tokens")
    def tokens(self, run: Run) -> SafeString:
        read, written = formatting.tokens(run.input_tokens), formatting.tokens(run.output_tokens)
        return format_html(
            '{}<span class="quiet"> in</span> {}<span class="quiet"> out</span>', read, written
        )

    @admin.display(description="cost", ordering="cost_usd")
    def cost(self, run: Run) -> SafeString:
        return formatting.cost(run.cost_usd, run.unpriced_turns)

    @admin.display(description="waited")
    def waited(self, run: Run) -> SafeString:
        until = run.started_at or run.finished_at or clock.now()
        return formatting.duration((until - run.queued_at) / MILLISECOND)

    @admin.display(description="duration")
    def took(self, run: Run) -> SafeString:
        return formatting.duration(took_ms(run))

    @admin.display(description="queued", ordering="queued_at")
    def queued(self, run: Run) -> SafeString:
        return formatting.ago(run.queued_at, clock.now())


def took_ms(run: Run) -> float | None:
    """Return the working time of a run in milliseconds; waiting does not count."""
    if run.started_at is None:
        return None
    if run.status != RunStatus.RUNNING:
        return run.worked_ms
    return run.worked(clock.now(), conf.load().max_run_duration_sec) / MILLISECOND


def run_url(run: Run) -> str:
    return reverse("admin:schedules_run_change", args=[run.pk])
