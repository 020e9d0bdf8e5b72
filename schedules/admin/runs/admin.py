"""The admin of runs: the list, and a page that updates while a run is running."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.urls import path

from agents.models import Approval
from schedules import conf
from schedules.admin.badges import run_badge
from schedules.admin.filters import DayFilter, ScheduleListFilter
from schedules.admin.runs import transcript
from schedules.admin.runs.columns import RunColumns, took_ms
from schedules.admin.runs.failure_help import failure_help
from schedules.capacity import conditions, effective_cap
from schedules.dashboard import queue
from schedules.errors import NotAllowed
from schedules.models import Run
from schedules.services import cancel_run, run_now
from schedules.services.cancel_run import Cancelled
from schedules.states import RunStatus
from stagent.lib import clock
from stagent.lib.log import audit_log
from stagent.lib.web.admin import render_confirmation, user_of

CANCEL_CONSEQUENCE = (
    "Queued runs are cancelled; running ones stop within a second. Transcripts and costs are kept. "
    "Cancelled runs can be retried from the start."
)
CANCELLING = "stopping within a second."


@admin.register(Run)
class RunAdmin(RunColumns):
    list_select_related = ("schedule",)
    list_filter = (
        "status",
        "source",
        "failure_reason",
        ScheduleListFilter,
        "profile",
        "forced",
        ("queued_at", DayFilter),
    )
    search_fields = ("schedule_name", "=id")
    ordering = ("-pk",)
    actions = ("cancel_chosen", "retry_chosen")
    empty_text = "A run appears here when a schedule fires or when you choose Run now on a schedule."

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/now/", wrap(self.live_status), name="schedules_run_now"),
            path("<int:pk>/said/", wrap(self.live_transcript), name="schedules_run_said"),
            path("<int:pk>/cancel/", wrap(self.cancel), name="schedules_run_cancel"),
            path("<int:pk>/retry/", wrap(self.retry), name="schedules_run_retry"),
            *super().get_urls(),
        ]

    # The page of one run, and the parts of it that are polled.

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        run = self._run(request, int(object_id) if object_id.isdecimal() else 0)
        everything = "all" in request.GET
        turns = transcript.read(run.transcript_id, everything=everything)
        cut = not everything and bool(turns) and (turns[0].number or 1) > 1
        context = self.admin_site.each_context(request) | self._run_context(request, run)
        title = f"{run.schedule_name}, run {run.pk}"
        context |= {"title": title, "opts": self.opts, "turns": turns, "cut": cut}
        return render(request, "admin/schedules/run/page.html", context | (extra_context or {}))

    def live_status(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Render the status part of the page, which polls it; the header X-Over ends the polling."""
        run = self._run(request, pk)
        response = render(request, "schedules/_run_now.html", self._run_context(request, run))
        if run.finished:
            response["X-Over"] = "1"
        return response

    def live_transcript(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Render the turns with events after `after`; the header X-Over ends the polling."""
        run = self._run(request, pk)
        after = request.GET.get("after", "")
        turns = transcript.read(run.transcript_id, int(after) if after.isdecimal() else 0)
        response = render(request, "schedules/_turns.html", {"turns": turns, "run": run})
        response["X-Last"] = str(turns[-1].last_seq if turns else 0)
        if run.finished:
            response["X-Over"] = "1"
        return response

    def _run(self, request: HttpRequest, pk: int) -> Run:
        if not self.has_view_permission(request):
            raise PermissionDenied
        known = Run.objects.select_related("schedule", "profile", "project", "firing", "requested_by")
        run = known.filter(pk=pk).first()
        if run is None:
            raise Http404("Run not found. Runs are deleted after SCHEDULE_METRICS_RETENTION_DAYS.")
        return run

    def _run_context(self, request: HttpRequest, run: Run) -> dict[str, Any]:
        may_change = request.user.has_perm("schedules.change_run")
        queued = run.status == RunStatus.QUEUED
        now = clock.now()
        waiting = queue.explain([run], conditions.load(now, effective_cap.load(now))) if queued else [None]
        return {
            "run": run,
            "badge": run_badge(run),
            "waiting": waiting[0],
            "took_ms": took_ms(run),
            "approvals": Approval.objects.open().filter(transcript=run.transcript_id).order_by("pk"),
            "answerable": Approval.objects.of(user_of(request)).open().filter(transcript=run.transcript_id),
            "remedy": failure_help(run),
            "default_turns": run.profile.max_turns or conf.load().default_max_turns,
            "may_cancel": may_change and not run.finished and not run.cancel_requested_at,
            "may_retry": request.user.has_perm("schedules.run_schedule") and run.finished and run.schedule_id,
        }

    # Cancel and retry.

    def cancel(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Confirm, cancel one run, and redirect to its page."""
        if not self.has_stop_permission(request):
            raise PermissionDenied
        run = self._run(request, pk)
        if request.method != "POST":
            return render_confirmation(self, request, [run], "Cancel", CANCEL_CONSEQUENCE)
        self._cancel(request, run)
        return redirect("admin:schedules_run_change", pk)

    def retry(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Retry a finished run and redirect to the new run."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_repeat_permission(request):
            raise PermissionDenied
        run = self._run(request, pk)
        new = self._retry(request, run)
        return redirect("admin:schedules_run_change", (new or run).pk)

    @admin.action(description="Cancel…", permissions=["stop"])
    def cancel_chosen(self, request: HttpRequest, chosen: QuerySet[Run]) -> HttpResponse | None:
        if "confirmed" not in request.POST:
            return render_confirmation(self, request, list(chosen), "Cancel", CANCEL_CONSEQUENCE)
        for run in chosen:
            self._cancel(request, run)
        return None

    @admin.action(description="Retry", permissions=["repeat"])
    def retry_chosen(self, request: HttpRequest, chosen: QuerySet[Run]) -> None:
        for run in chosen.select_related("schedule"):
            self._retry(request, run)

    def _cancel(self, request: HttpRequest, run: Run) -> None:
        try:
            with transaction.atomic():
                outcome = cancel_run.cancel(
                    run.pk, reason=f"Cancelled by {request.user.get_username()}.", now=clock.now()
                )
                audit_log.record(user_of(request), run, audit_log.CHANGE, "Cancelled.")
        except NotAllowed as refused:
            self.message_user(request, f"Run {run.pk}: {refused}", messages.WARNING)
        else:
            text = "cancelled." if outcome is Cancelled.AT_ONCE else CANCELLING
            self.message_user(request, f"Run {run.pk}: {text}", messages.SUCCESS)

    def _retry(self, request: HttpRequest, run: Run) -> Run | None:
        try:
            new = self._start_retry(request, run)
        except NotAllowed as refused:
            self.message_user(request, f"Run {run.pk}: {refused}", messages.WARNING)
            return None
        audit_log.record(user_of(request), run, audit_log.CHANGE, f"Retried as run {new.pk}.")
        self.message_user(request, f"Retried as run {new.pk}.", messages.SUCCESS)
        return new

    def _start_retry(self, request: HttpRequest, run: Run) -> Run:
        user, now, click = user_of(request), clock.now(), request.POST.get("click", "")[:100]
        key = ""
        if click and run.schedule:
            key = run_now.key_of_page(f"{click}:again:{run.pk}", run.schedule, user, now)
        return run_now.retry(run, user=user, now=now, idempotency_key=key)

    def has_stop_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("schedules.change_run")

    def has_repeat_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("schedules.run_schedule")
