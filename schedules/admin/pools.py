"""The admin of concurrency pools."""

from typing import Any

from django.contrib import admin
from django.db.models import Count
from django.forms import ModelForm
from django.http import HttpRequest

from schedules.models import Pool
from stagent.lib import wakeup
from stagent.lib.web.admin import ConsoleAdmin


@admin.register(Pool)
class PoolAdmin(ConsoleAdmin):
    """A concurrency limit below the global cap, for schedules that share a scarce resource."""

    list_display = ("name", "size", "schedules")
    fields = ("name", "size")
    empty_text = "Add a pool to limit how many runs of some schedules start at once, below the global cap."

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(schedule_count=Count("schedule"))

    def get_readonly_fields(self, request: HttpRequest, obj: Pool | None = None) -> tuple[str, ...]:
        return ("name",) if obj else ()  # slots and runs refer to a pool by name

    def save_model(self, request: HttpRequest, obj: Pool, form: ModelForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        wakeup.notify()

    @admin.display(description="schedules", ordering="schedule_count")
    def schedules(self, pool: Any) -> int:
        count: int = pool.schedule_count
        return count
