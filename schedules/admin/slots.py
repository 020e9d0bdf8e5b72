"""The admin of slots: the run in each, the end of its lease, and a button to disable it."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from schedules.admin.runs.columns import run_url
from schedules.admin.schedules.columns import BUTTON
from schedules.capacity import effective_cap
from schedules.models import Pool, Slot
from schedules.models.slot import DEFAULT_POOL, OVERFLOW_POOL
from stagent.lib import clock, wakeup
from stagent.lib.log import audit_log
from stagent.lib.web import formatting
from stagent.lib.web.admin import ReadOnlyAdmin, user_of

TOGGLE = f'<span class="row-buttons">{BUTTON}</span>'


@admin.register(Slot)
class SlotAdmin(ReadOnlyAdmin):
    """Only `enabled` can be edited; the scheduler writes the rest."""

    list_display = ("title", "state", "held_by", "until", "holder", "buttons")
    list_display_links = None
    list_select_related = ("run",)
    list_filter = ("pool", "enabled")
    actions = ("enable", "disable")
    empty_text = "Slots are created with the first run, as many as SCHEDULE_MAX_CONCURRENT allows."

    def get_urls(self) -> list[Any]:
        mine = path("<int:pk>/toggle/", self.admin_site.admin_view(self.toggle), name="schedules_slot_toggle")
        return [mine, *super().get_urls()]

    def get_list_display(self, request: HttpRequest) -> Any:
        """Omit the buttons for users without the permission."""
        shown = self.list_display
        return shown if self.has_edit_permission(request) else [name for name in shown if name != "buttons"]

    @admin.display(description="slot", ordering="number")
    def title(self, slot: Slot) -> SafeString:
        return format_html("<strong>{}</strong> #{}", slot.pool, slot.number)

    @admin.display(description="state", ordering="enabled")
    def state(self, slot: Slot) -> SafeString:
        if slot.run_id:
            return formatting.badge("held" if slot.enabled else "held, disabled", "busy")
        if not slot.enabled:
            return formatting.badge("disabled", "wait", "Takes no runs")
        if slot.number > size_of(slot.pool):
            return formatting.badge("beyond pool size", "calm", "The pool is smaller now; takes no runs")
        return formatting.badge("free", "good")

    @admin.display(description="held by")
    def held_by(self, slot: Slot) -> SafeString:
        if slot.run is None:
            return formatting.EMPTY
        run = slot.run
        named = formatting.link(run_url(run), run.schedule_name)
        return format_html('{}<span class="under">run {}, step {}</span>', named, run.pk, run.turn_count)

    @admin.display(description="lease ends")
    def until(self, slot: Slot) -> SafeString:
        return formatting.ago(slot.run.lease_expires_at, clock.now()) if slot.run else formatting.EMPTY

    @admin.display(description="holder")
    def holder(self, slot: Slot) -> SafeString | str:
        return (slot.run.holder or "not started yet") if slot.run else formatting.EMPTY

    @admin.display(description="")
    def buttons(self, slot: Slot) -> SafeString:
        return format_html(
            TOGGLE,
            reverse("admin:schedules_slot_toggle", args=[slot.pk]),
            "Disable" if slot.enabled else "Enable",
        )

    def toggle(self, request: HttpRequest, pk: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_edit_permission(request):
            raise PermissionDenied
        slot = get_object_or_404(Slot, pk=pk)
        self._set(request, Slot.objects.filter(pk=pk), enabled=not slot.enabled)
        return redirect("admin:schedules_slot_changelist")

    @admin.action(description="Enable", permissions=["edit"])
    def enable(self, request: HttpRequest, chosen: QuerySet[Slot]) -> None:
        self._set(request, chosen, enabled=True)

    @admin.action(description="Disable after the current run", permissions=["edit"])
    def disable(self, request: HttpRequest, chosen: QuerySet[Slot]) -> None:
        self._set(request, chosen, enabled=False)

    def _set(self, request: HttpRequest, chosen: QuerySet[Slot], *, enabled: bool) -> None:
        """Update only `enabled`: the run in a slot can change while the page is open."""
        verb = "Enabled" if enabled else "Disabled"
        slots = list(chosen)
        Slot.objects.filter(pk__in=[slot.pk for slot in slots]).update(enabled=enabled)
        wakeup.notify()
        for slot in slots:
            audit_log.record(user_of(request), slot, audit_log.CHANGE, f"{verb}.")
        self.message_user(request, f"{verb}: {', '.join(map(str, slots))}.", messages.SUCCESS)

    def has_edit_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("schedules.change_slot")


def size_of(pool: str) -> int:
    """Return the number of slots of a pool that take runs now."""
    if pool in (DEFAULT_POOL, OVERFLOW_POOL):
        known = effective_cap.load(clock.now())
        return known.max_concurrent if pool == DEFAULT_POOL else known.max_overflow
    return Pool.objects.filter(pk=pool).values_list("size", flat=True).first() or 0
