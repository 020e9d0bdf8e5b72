"""The buttons of one schedule and the actions on several."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString

from schedules.admin.schedules import commands
from schedules.admin.schedules.columns import ScheduleColumns
from schedules.errors import Blocked, CapacityFull, NoScheduler
from schedules.models import Run, Schedule
from schedules.models.schedule import LONGEST_REASON
from stagent.lib import clock
from stagent.lib.api.types import parse_id
from stagent.lib.problems import Problem, clean_input
from stagent.lib.web.admin import user_of

type Verb = Callable[[Schedule, AbstractBaseUser, datetime], str]
STATUS_ACTIONS: dict[str, Verb] = {
    "pause": commands.pause,
    "resume": commands.resume,
    "reset": commands.reset,
}
MAX_FORCED = 100  # schedules
MAX_BLOCKING = 20  # running runs that the page lists
PERMISSIONS = {
    "run": "run",
    "queue": "run",
    "duplicate": "add",
    "pause": "change",
    "resume": "change",
    "reset": "change",
}
CANNOT_START = (CapacityFull, NoScheduler, Blocked)


class ScheduleActions(ScheduleColumns):
    actions: Any = ("pause", "resume", "run_now", "force", "duplicate", "reset_streaks", "stagger")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        urls: list[URLPattern] = [
            path("<int:pk>/do/<slug:verb>/", wrap(self.do), name="schedules_schedule_do"),
            path("force/", wrap(self.confirm_force), name="schedules_schedule_force"),
        ]
        return [*urls, *super().get_urls()]

    def has_run_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("schedules.run_schedule")

    def has_force_permission(self, request: HttpRequest) -> bool:
        return self.has_run_permission(request) and request.user.has_perm("schedules.force_run")

    # One schedule: a button.

    def do(self, request: HttpRequest, pk: int, verb: str) -> HttpResponse:
        """Apply one action, then redirect to the page with the button."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if verb not in PERMISSIONS or not getattr(self, f"has_{PERMISSIONS[verb]}_permission")(request):
            raise PermissionDenied
        schedule = get_object_or_404(Schedule, pk=pk)
        if verb in ("run", "queue"):
            return self._run(request, schedule, queue=verb == "queue")
        if verb == "duplicate":
            copy = commands.duplicate(schedule, user_of(request), clock.now())
            self.message_user(request, "Duplicated. The copy is paused until you resume it.")
            return redirect("admin:schedules_schedule_change", copy.pk)
        self._try(request, schedule, STATUS_ACTIONS[verb])
        return redirect(redirect_back(request))

    def _run(self, request: HttpRequest, schedule: Schedule, *, queue: bool) -> HttpResponse:
        """Start a run and show it; if it cannot start, offer to queue or force it."""
        try:
            started = commands.run(schedule, user_of(request), clock.now(), _click(request), queue=queue)
        except CANNOT_START as blocked:
            blocking = Run.objects.filter(pk__in=getattr(blocked, "blocking", [])[:MAX_BLOCKING])
            full = isinstance(blocked, CapacityFull)
            context = {
                "title": "Run now",
                "schedule": schedule,
                "why": blocked,
                "blocking": blocking,
                "full": full,
            }
            return self._render(request, "run_now_blocked", context)
        if started.warning:
            self.message_user(request, started.warning, messages.WARNING)
        return redirect("admin:schedules_run_change", started.run.pk)

    # Many: an action.

    @admin.action(description="Pause", permissions=["change"])
    def pause(self, request: HttpRequest, chosen: QuerySet[Schedule]) -> None:
        self._try_all(request, chosen, commands.pause)

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, chosen: QuerySet[Schedule]) -> None:
        self._try_all(request, chosen, commands.resume)

    @admin.action(description="Reset streaks", permissions=["change"])
    def reset_streaks(self, request: HttpRequest, chosen: QuerySet[Schedule]) -> None:
        self._try_all(request, chosen, commands.reset)

    @admin.action(description="Run now, or queue", permissions=["run"])
    def run_now(self, request: HttpRequest, chosen: QuerySet[Schedule]) -> None:
        """Run the selected schedules; runs that cannot start are queued."""
        for schedule in chosen:
            started = commands.run(schedule, user_of(request), clock.now(), _click(request), queue=True)
            run = started.run
            if started.warning:
                self.message_user(request, started.warning, messages.WARNING)
            state = "is queued" if run.status == "queued" else "is running"
            self.message_user(
                request, format_html("{} of “{}” {}.", run_link(run), schedule, state), messages.SUCCESS
            )

    @admin.action(description="Duplicate", permissions=["add"])
    def duplicate(self, request: HttpRequest, chosen: QuerySet[Schedule]) -> None:
        copies = [commands.duplicate(schedule, user_of(request), clock.now()) for schedule in chosen]
        self.message_user(
            request, f"Duplicated, paused until resumed: {', '.join(map(str, copies))}.", messages.SUCCESS
        )

    @admin.action(description="Force run beyond the cap…", permissions=["force"])
    def force(self, request: HttpRequest, chosen: QuerySet[Schedule]) -> HttpResponse:
        numbers = ",".join(str(pk) for pk in chosen.values_list("pk", flat=True))
        return redirect(f"{reverse('admin:schedules_schedule_force')}?ids={numbers}")

    @admin.action(description="Stagger…", permissions=["change"])
    def stagger(self, request: HttpRequest, chosen: QuerySet[Schedule]) -> HttpResponse:
        """Open the forecast page with a stagger proposal for the selected schedules."""
        numbers = ",".join(str(pk) for pk in chosen.values_list("pk", flat=True))
        return redirect(f"{reverse('admin:forecast')}?among={numbers}#flatten")

    def confirm_force(self, request: HttpRequest) -> HttpResponse:
        """Ask for a reason, then force the runs."""
        if not self.has_force_permission(request):
            raise PermissionDenied
        numbers = [parse_id(opaque) for opaque in request.GET.get("ids", "").split(",")]
        chosen = list(Schedule.objects.filter(pk__in=[pk for pk in numbers if pk is not None]))
        reason_text, error = request.POST.get("reason", ""), ""
        if len(chosen) > MAX_FORCED:
            chosen, error = (
                [],
                f"You can force at most {MAX_FORCED} schedules at once; you selected {len(chosen)}.",
            )
        elif request.method == "POST" and chosen:
            try:
                if reason := clean_input("reason", reason_text, LONGEST_REASON):
                    return self._force(request, chosen, reason)
                error = "Enter a reason."
            except Problem as problem:
                error = problem.fields["reason"]
        context = {"title": "Force a run", "chosen": chosen, "error": error, "reason": reason_text}
        return self._render(request, "force", context)

    def _force(self, request: HttpRequest, chosen: list[Schedule], reason: str) -> HttpResponse:
        runs = []
        for schedule in chosen:
            try:
                options: dict[str, Any] = {"force": True, "reason": reason}
                runs.append(
                    commands.run(schedule, user_of(request), clock.now(), _click(request), **options).run
                )
            except CANNOT_START as blocked:
                self.message_user(request, f"“{schedule}” could not be forced: {blocked}", messages.ERROR)
        for run in runs:
            self.message_user(
                request,
                format_html("{} of “{}” was forced.", run_link(run), run.schedule_name),
                messages.SUCCESS,
            )
        return (
            redirect("admin:schedules_run_change", runs[0].pk)
            if len(chosen) == len(runs) == 1
            else redirect(redirect_back(request))
        )

    # Shared.

    def _try(self, request: HttpRequest, schedule: Schedule, verb: Verb) -> None:
        try:
            self.message_user(request, verb(schedule, user_of(request), clock.now()), messages.SUCCESS)
        except commands.NotApplicable as error:
            self.message_user(request, str(error), messages.WARNING)

    def _try_all(self, request: HttpRequest, chosen: QuerySet[Schedule], verb: Verb) -> None:
        for schedule in chosen:
            self._try(request, schedule, verb)

    def _render(self, request: HttpRequest, page: str, extra: dict[str, Any]) -> HttpResponse:
        context = (
            self.admin_site.each_context(request)
            | {"opts": self.opts, "back": redirect_back(request)}
            | extra
        )
        context["may_force"] = self.has_force_permission(request)
        return render(request, f"admin/schedules/schedule/{page}.html", context)


def _click(request: HttpRequest) -> str:
    """Return the key of the form that was sent; see `click_key`."""
    return request.POST.get("click", "")


def run_link(run: Run) -> SafeString:
    return format_html(
        '<a href="{}">Run {}</a>', reverse("admin:schedules_run_change", args=[run.pk]), run.pk
    )


def redirect_back(request: HttpRequest, otherwise: str = "admin:schedules_schedule_changelist") -> str:
    """Return the page of this site that the request came from, or the list if it is unknown."""
    came_from = request.headers.get("Referer", "")
    same_site = url_has_allowed_host_and_scheme(
        came_from, {request.get_host()}, require_https=request.is_secure()
    )
    usable = same_site and request.path not in came_from and "/force/" not in came_from
    return came_from if usable else reverse(otherwise)
