"""Base classes and helpers of the console's lists and forms: read-only pages, bounded counts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString

from stagent.lib.db.paging import bounded_count, slice_by_keys
from stagent.lib.web.formatting import EMPTY, link

MAX_COUNTED = 10_000
MAX_NAMED = 20  # rows listed on a confirmation page
ACTION_FIELDS = (
    "action",
    "_selected_action",
    "select_across",
    "index",
)  # form fields of an admin action


def user_of(request: HttpRequest) -> User:
    """Return the signed-in user; the console has no anonymous pages."""
    return cast(User, request.user)


def referring_page(request: HttpRequest) -> str:
    """Return the page of this site that sent the form; empty if unknown."""
    page = request.headers.get("Referer", "")
    is_local = url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure())
    return page if is_local else ""


def _expand_if_invalid(fieldset: Any, errors: Mapping[str, Any]) -> Any:
    """Expand a collapsed fieldset with an error; Django's own rule misses fields that share a line."""
    name, options = fieldset
    wrong = errors.keys() & set(flatten_fieldsets([fieldset]))
    return (name, options | {"classes": ()}) if wrong else fieldset


def row_link(page: str, number: int | None, text: object = None) -> SafeString:
    """Link to the page of a row by its model, for example schedules_run; show its number if it has none."""
    if number is None:
        return EMPTY
    try:
        return link(reverse(f"admin:{page}_change", args=[number]), text or number)
    except NoReverseMatch:
        return format_html("{}", text or number)


def names_by_id(model: str, numbers: Iterable[int | None]) -> dict[int, str]:
    """Return the names of these rows by primary key, without those that do not exist any more."""
    keys = {number for number in numbers if number is not None}
    rows = apps.get_model(model)._default_manager.filter(pk__in=keys) if keys else ()
    return {row.pk: str(row) for row in rows}


def render_confirmation(
    model_admin: admin.ModelAdmin, request: HttpRequest, rows: Sequence[Model], verb: str, consequence: str
) -> HttpResponse:
    """Render a confirmation page; its button sends the form again with `confirmed`."""
    page = f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}"
    rows_text = f"{len(rows):,} {model_admin.opts.verbose_name_plural}"
    context = {
        "title": f"{verb} {rows_text if len(rows) > 1 else f'the {model_admin.opts.verbose_name}'}",
        "opts": model_admin.opts,
        "named": [(str(row), reverse(f"{page}_change", args=[row.pk])) for row in rows[:MAX_NAMED]],
        "more": len(rows) - MAX_NAMED,
        "consequence": consequence,
        "again": [(name, value) for name in ACTION_FIELDS for value in request.POST.getlist(name)],
        "list": reverse(f"{page}_changelist"),
        "back": referring_page(request) or reverse(f"{page}_changelist"),
    }
    return render(request, "admin/confirm.html", model_admin.admin_site.each_context(request) | context)


class BoundedPaginator(Paginator):
    """Counts at most MAX_COUNTED rows; users reach later pages with a filter."""

    @property
    def rows(self) -> QuerySet:
        """The rows of the list; if there are few, narrowed by key."""
        return self._found[0]

    @property
    def count(self) -> int:
        return self._found[1]

    @cached_property
    def _found(self) -> tuple[QuerySet, int]:
        return bounded_count(cast(QuerySet, self.object_list), MAX_COUNTED)

    def page(self, number: int | str) -> Page:
        """Return a page; only its rows are loaded."""
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        return Page(slice_by_keys(self.rows, first, min(first + self.per_page, self.count)), number, self)


class ConsoleAdmin(admin.ModelAdmin):
    """A list of the console: fifty rows, no count of the whole table, actions below."""

    list_per_page = 50
    list_max_show_all = 200
    show_full_result_count = False
    actions_on_top = False
    actions_on_bottom = True
    paginator = BoundedPaginator
    row_name_plural = ""  # the name of several rows if the list has another name
    empty_text = ""  # shown on an empty list: what to do next

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {"empty_text": self.empty_text} | (extra_context or {}))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        form = context["adminform"].form
        form.label_suffix = ""
        for field in form.fields.values():
            field.widget.attrs.pop("maxlength", None)  # browsers silently cut pasted text to it
        context["adminform"].fieldsets = [
            _expand_if_invalid(fieldset, form.errors) for fieldset in context["adminform"].fieldsets
        ]
        return super().render_change_form(request, context, *args, **kwargs)


class ReadOnlyAdmin(ConsoleAdmin):
    """Rows that the system writes; users can view but not edit them."""

    actions: Any = None

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        return super().change_view(request, object_id, form_url, {"read_only": True} | (extra_context or {}))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
