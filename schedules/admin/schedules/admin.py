"""The admin of schedules: the list, the form with its preview, and the firings below it."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.safestring import SafeString

from agents.approvals.standing import schedule_scope
from agents.models import StandingApproval
from schedules.admin.badges import schedule_badge
from schedules.admin.filters import AttentionFilter
from schedules.admin.firings import sparkline
from schedules.admin.runs.step_drift import drift
from schedules.admin.schedules import preview
from schedules.admin.schedules.actions import ScheduleActions
from schedules.admin.schedules.collision_banner import show_collisions
from schedules.admin.schedules.columns import streak_badges
from schedules.admin.schedules.form import ScheduleForm
from schedules.forecast import collisions
from schedules.models import Schedule
from schedules.services import schedule_writer
from schedules.states import ScheduleStatus
from schedules.timing import describe
from schedules.timing.timezones import names
from schedules.timing.when_text import show
from schedules.transitions import remove, streaks
from stagent.lib import clock
from stagent.lib.log import audit_log
from stagent.lib.web import formatting
from stagent.lib.web.admin import user_of

COLLAPSED = ("collapse",)
SYSTEM_FIELDS = (
    "next_fire_at", "last_fired_at", "firing_count", "suppression_count",
    "failure_streak", "turn_budget_breach_streak", "last_failure_reason",
    "last_turn_count", "average_steps", "average_duration", "max_turns_set_at", "owner", "created_at",
)  # fmt: skip
HISTORY = 15


@admin.register(Schedule)
class ScheduleAdmin(ScheduleActions):
    form = ScheduleForm
    list_select_related = ("profile", "project")
    list_filter = ("status", AttentionFilter, "kind", "profile", "project")
    search_fields = ("name", "prompt")
    ordering = ("name", "pk")
    readonly_fields = SYSTEM_FIELDS
    change_form_template = "admin/schedules/schedule/change_form.html"
    empty_text = "Create one with a prompt and a time, for example “weekdays at 09:30”."
    fieldsets = (
        (None, {"fields": ("name", ("when", "timezone"), "prompt", ("profile", "project", "kind"))}),
        ("Run limits", {"fields": (("max_turns", "max_run_duration_sec", "max_cost_usd"),)}),
        ("Overlap, misfires, retries and priority", {"classes": COLLAPSED, "fields": (
            ("overlap_policy", "misfire_policy", "misfire_grace_sec"),
            ("max_retries", "retry_delay_sec", "retry_horizon_sec"),
            ("priority", "pool", "jitter_sec"),
        )}),
        ("Start, end and active hours", {"classes": COLLAPSED, "fields": (
            ("starts_at", "ends_at", "max_firings"), ("active_from", "active_until"),
        )}),
        ("Delivery of results", {"classes": COLLAPSED, "fields": (
            "deliver_to_chat", ("webhook_url", "email"),
        )}),
    )  # fmt: skip

    def get_urls(self) -> list[Any]:
        preview_url = path(
            "preview/", self.admin_site.admin_view(self.preview), name="schedules_schedule_preview"
        )
        return [preview_url, *super().get_urls()]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Name the empty choices."""
        kwargs["empty_label"] = {"project": "No project", "pool": "Global cap only"}.get(db_field.name)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Schedule | None = None) -> Any:
        system_fields = (("System fields", {"classes": COLLAPSED, "fields": SYSTEM_FIELDS}),) if obj else ()
        return (*self.fieldsets, *system_fields)

    def get_readonly_fields(self, request: HttpRequest, obj: Schedule | None = None) -> Any:
        return SYSTEM_FIELDS if obj else ()

    # Saving goes through `schedule_writer`.

    def save_model(self, request: HttpRequest, obj: Schedule, form: ScheduleForm, change: bool) -> None:
        """Apply the changed fields to the current row, and warn of collisions."""
        now, user = clock.now(), user_of(request)
        row = Schedule.objects.select_for_update().get(pk=obj.pk) if change else obj
        new_owner = schedule_writer.change_owner(row, form.changes, user) if change else {"owner": user}
        changes = form.changes | new_owner
        if change and new_owner:
            audit_log.record(user, obj, audit_log.CHANGE, "Took ownership: its agents now act for this user.")
        obj.pk = schedule_writer.save(row, changes, now=now).pk
        obj.refresh_from_db()
        for collision in collisions.check(obj, now):
            self.message_user(request, show_collisions(collision), messages.WARNING)

    def delete_model(self, request: HttpRequest, obj: Schedule) -> None:
        remove(obj.pk, now=clock.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> None:
        for number in queryset.values_list("pk", flat=True):
            remove(number, now=clock.now())

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """List only the schedules: their firings and runs are kept."""
        return [str(schedule) for schedule in objs], {"schedules": len(objs)}, set(), []

    # The page of one schedule.

    def preview(self, request: HttpRequest) -> HttpResponse:
        """Render the preview of the unsaved form."""
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        form_preview = preview.preview(request.POST, clock.now(), request.GET.get("schedule", ""))
        return render(request, "schedules/_preview.html", {"preview": form_preview})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        form = context["adminform"].form
        typed = form.data if form.is_bound else form.initial
        number = str(schedule.pk) if (schedule := kwargs.get("obj")) else ""
        context |= {"preview": preview.preview(typed, clock.now(), number), "zones": names()}
        if schedule := kwargs.get("obj"):
            context |= self._schedule_context(request, schedule)
        return super().render_change_form(request, context, *args, **kwargs)

    def _schedule_context(self, request: HttpRequest, schedule: Schedule) -> dict[str, Any]:
        history = schedule.firings.order_by("-nominal_at", "-pk").select_related("run")[:HISTORY]
        standing = StandingApproval.objects.filter(place=schedule_scope(schedule.pk)).select_related(
            "given_by"
        )
        revocable = StandingApproval.objects.of(user_of(request))
        return {
            "standing_approvals": list(standing),
            "revocable": set(
                revocable.filter(pk__in=[each.pk for each in standing]).values_list("pk", flat=True)
            ),
            "badge": schedule_badge(schedule),
            "rhythm": describe.rhythm(schedule),
            "spark": sparkline.draw(sparkline.recent_firings([schedule.pk])[schedule.pk]),
            "streak_badges": streak_badges(schedule),
            "advice": [] if schedule.status == ScheduleStatus.PAUSED else _advice(schedule),
            "history": list(history) if request.user.has_perm("schedules.view_firing") else [],
            "may_run": self.has_run_permission(request),
            "may_force": self.has_force_permission(request),
        }

    @admin.display(description="when")
    def when(self, schedule: Schedule) -> str:
        return show(schedule)

    @admin.display(description="average steps per firing")
    def average_steps(self, schedule: Schedule) -> SafeString:
        return formatting.at_least(
            formatting.count(schedule.avg_turns_per_firing), schedule.avg_is_lower_bound
        )

    @admin.display(description="average duration")
    def average_duration(self, schedule: Schedule) -> SafeString:
        return formatting.at_least(formatting.duration(schedule.avg_duration_ms), schedule.avg_is_lower_bound)


def _advice(schedule: Schedule) -> list[str]:
    return [*streaks.advice(schedule), *filter(None, [drift(schedule)])]
