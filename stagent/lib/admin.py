"""What every list of the console shares: read-only pages, and counts that stay cheap on big tables."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

MOST_COUNTED = 10_000


class BoundedPaginator(Paginator):
    """Counts no further than this many rows: the pages beyond are found with a filter."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet = self.object_list  # type: ignore[assignment]
        return rows.order_by()[:MOST_COUNTED].count()


class ConsoleAdmin(admin.ModelAdmin):
    """A list of the console: fifty rows, no count of the whole table, actions beneath."""

    list_per_page = 50
    list_max_show_all = 200
    show_full_result_count = False
    actions_on_top = False
    actions_on_bottom = True
    paginator = BoundedPaginator
    empty_text = ""  # what an empty list says: what to do next

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {"empty_text": self.empty_text} | (extra_context or {}))


class ReadOnlyAdmin(ConsoleAdmin):
    """Rows that the system keeps: seen, never edited by hand."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
