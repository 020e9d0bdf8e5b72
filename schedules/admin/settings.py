"""The settings page: the value, source, meaning and range of each setting."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode

from agents import live_streams
from schedules import conf
from schedules.admin.number_filters import LoopFilter, WaitFilter
from schedules.capacity import effective_cap
from schedules.conf import BY_NAME, Key, Value
from schedules.forecast.cap_advisor import LOOKS_BACK, Evidence, advise
from schedules.models import Setting
from schedules.services import change_settings
from stagent.lib import clock
from stagent.lib.web.admin import ReadOnlyAdmin, user_of

UNITS = {"SEC": "s", "DAYS": "days", "TURNS": "steps"}
PARAMETERS = {"wait": WaitFilter.parameter_name, "lag": LoopFilter.parameter_name}
SLOWEST_FIRST = "-2"  # the third column of the chat streams: time to first token
TONES = {"command line": "busy", "environment": "busy", "admin": "good", "default": "calm"}


@dataclass(frozen=True)
class SettingLine:
    """A setting on the page. `typed` and `wrong` hold a rejected value and its error."""

    value: Value
    saved: str
    typed: str
    wrong: str

    @property
    def tone(self) -> str:
        return TONES[self.value.source]

    @property
    def shown(self) -> str:
        return self.value.key.show(self.value.value)

    @property
    def unit(self) -> str:
        """The unit, taken from the last part of the name; empty if it has none."""
        return UNITS.get(self.value.key.name.rpartition("_")[2], "")

    @property
    def overridden(self) -> bool:
        """Whether the environment overrides a saved value."""
        return self.value.source == "environment"


@admin.register(Setting)
class SettingAdmin(ReadOnlyAdmin):
    """One page instead of a list: a setting that was never saved has a value but no row."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        now, name, typed = clock.now(), request.POST.get("key", ""), request.POST.get("value", "").strip()
        wrong = ""
        if request.method == "POST":
            wrong = self._change(request, name, typed)
            if not wrong:
                return redirect("admin:schedules_setting_changelist")
        lines = [
            _line(*found, typed, wrong if found[0].key.name == name else "") for found in _current_values()
        ]
        context = self.admin_site.each_context(request) | {
            "title": "Settings",
            "opts": self.opts,
            "lines": lines,
            "cap": effective_cap.snapshot(now),
            **_advice(now),
            "may_change": self.has_edit_permission(request),
        }
        return render(request, "admin/schedules/setting/page.html", context)

    def _change(self, request: HttpRequest, name: str, typed: str) -> str:
        """Save or clear one setting; return the error, or an empty text."""
        if not self.has_edit_permission(request) or name not in BY_NAME:
            raise PermissionDenied
        key = BY_NAME[name]
        if "clear" in request.POST:
            if change_settings.clear(key, user_of(request)):
                self.message_user(request, f"{key.name} was cleared.", messages.SUCCESS)
            return ""
        return change_settings.fault(key, typed) or self._save(request, key, typed)

    def _save(self, request: HttpRequest, key: Key, typed: str) -> str:
        shown = change_settings.save(key, typed, user_of(request))
        self.message_user(request, f"{key.name} is now {shown}. No restart is needed.", messages.SUCCESS)
        return ""

    def has_edit_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("schedules.change_setting")


def _advice(now: datetime) -> dict[str, Any]:
    """Return the advice about the cap; each figure comes with a link to the measured rows."""
    advice = advise(now, effective_cap.load(now), live_streams.first_token_ms(now - LOOKS_BACK))
    since = urlencode({"nominal_at__gte": (now - LOOKS_BACK).isoformat(), "outcome__exact": "fired"})
    firings = f"{reverse('admin:schedules_firing_changelist')}?{since}"
    evidence = [(figure, _rows_url(figure, firings, now)) for figure in advice.evidence]
    return {"advice": advice, "evidence": evidence, "firings": firings}


def _rows_url(figure: Evidence, firings: str, now: datetime) -> str:
    """Return the URL of the rows behind a figure: the slowest replies, or the firings from its value up."""
    if figure.value is None:
        return ""
    if figure.of == "first_token":
        since = urlencode({"ended_at__gte": (now - LOOKS_BACK).isoformat(), "o": SLOWEST_FIRST})
        return f"{reverse('admin:agents_streamrecord_changelist')}?{since}"
    return f"{firings}&{PARAMETERS[figure.of]}={int(figure.value)}-"


def _current_values() -> list[tuple[Value, str]]:
    saved = dict(Setting.objects.values_list("key", "value"))
    return [(value, saved.get(value.key.name, "")) for value in conf.in_force()]


def _line(value: Value, saved: str, typed: str, wrong: str) -> SettingLine:
    return SettingLine(value, saved, typed if wrong else saved, wrong)
