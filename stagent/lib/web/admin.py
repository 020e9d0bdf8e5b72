"""What the lists and forms of the console share: read-only pages, counts that stay cheap."""

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

from stagent.lib.db.paging import page_of_ids, rows_by_id
from stagent.lib.web.formatting import NOTHING, link

MOST_COUNTED = 10_000
MOST_NAMED = 20  # of the rows that somebody is asked about
ACTION = ("action", "_selected_action", "select_across", "index")  # the fields of a form that make an action


def operator(request: HttpRequest) -> User:
    """Return who asks; nobody comes to a page of the console without having signed in."""
    return cast(User, request.user)


def came_from(request: HttpRequest) -> str:
    """Return the page of this site that a form was sent from; empty where that cannot be told."""
    page = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure())
    return page if ours else ""


def _unfolded_if_wrong(part: Any, errors: Mapping[str, Any]) -> Any:
    """Leave no fault in a folded part of a form; Django's own rule overlooks fields that share a line."""
    name, options = part
    wrong = errors.keys() & set(flatten_fieldsets([part]))
    return (name, options | {"classes": ()}) if wrong else part


def row_link(page: str, number: int | None, text: object = None) -> SafeString:
    """Link to the page of a row by its model, for example schedules_run; its number where there is none."""
    if number is None:
        return NOTHING
    try:
        return link(reverse(f"admin:{page}_change", args=[number]), text or number)
    except NoReverseMatch:
        return format_html("{}", text or number)


def names(model: str, numbers: Iterable[int | None]) -> dict[int, str]:
    """Return what rows are called that are known by number only; those that are gone are left out."""
    wanted = {number for number in numbers if number is not None}
    rows = apps.get_model(model)._default_manager.filter(pk__in=wanted) if wanted else ()
    return {row.pk: str(row) for row in rows}


def confirm(
    model_admin: admin.ModelAdmin, request: HttpRequest, rows: Sequence[Model], verb: str, consequence: str
) -> HttpResponse:
    """Render a confirmation page; its button sends the same form again with `confirmed`."""
    page = f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}"
    several = f"{len(rows):,} {model_admin.opts.verbose_name_plural}"
    asked = {
        "title": f"{verb} {several if len(rows) > 1 else f'the {model_admin.opts.verbose_name}'}",
        "opts": model_admin.opts,
        "named": [(str(row), reverse(f"{page}_change", args=[row.pk])) for row in rows[:MOST_NAMED]],
        "more": len(rows) - MOST_NAMED,
        "consequence": consequence,
        "again": [(name, value) for name in ACTION for value in request.POST.getlist(name)],
        "list": reverse(f"{page}_changelist"),
        "back": came_from(request) or reverse(f"{page}_changelist"),
    }
    return render(request, "admin/confirm.html", model_admin.admin_site.each_context(request) | asked)


class BoundedPaginator(Paginator):
    """Counts no further than this many rows: the pages beyond are found with a filter."""

    @property
    def rows(self) -> QuerySet:
        """What is listed, not to be looked for again."""
        return self._found[0]

    @property
    def count(self) -> int:
        return self._found[1]

    @cached_property
    def _found(self) -> tuple[QuerySet, int]:
        return rows_by_id(cast(QuerySet, self.object_list), MOST_COUNTED)

    def page(self, number: int | str) -> Page:
        """Return a page whose rows alone are read whole."""
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        return Page(page_of_ids(self.rows, first, min(first + self.per_page, self.count)), number, self)


class ConsoleAdmin(admin.ModelAdmin):
    """A list of the console: fifty rows, no count of the whole table, actions beneath."""

    list_per_page = 50
    list_max_show_all = 200
    show_full_result_count = False
    actions_on_top = False
    actions_on_bottom = True
    paginator = BoundedPaginator
    row_name_plural = ""  # the name of several rows if the list has another name
    empty_text = ""  # what an empty list says: what to do next

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {"empty_text": self.empty_text} | (extra_context or {}))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        form = context["adminform"].form
        form.label_suffix = ""
        for field in form.fields.values():
            field.widget.attrs.pop("maxlength", None)  # browsers cut by it what is pasted, and say nothing
        context["adminform"].fieldsets = [
            _unfolded_if_wrong(part, form.errors) for part in context["adminform"].fieldsets
        ]
        return super().render_change_form(request, context, *args, **kwargs)


class ReadOnlyAdmin(ConsoleAdmin):
    """Rows that the system keeps: seen, never edited by hand."""

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
