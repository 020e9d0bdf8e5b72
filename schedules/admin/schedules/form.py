"""The schedule form. It saves only the fields that the user changed."""

from collections.abc import Mapping
from copy import copy
from datetime import datetime
from typing import Any

from django import forms
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from schedules.admin.runs.hints import NOT_A_LIMIT, steps_are
from schedules.admin.schedules.form_fields import WallTimeField
from schedules.checks import NO_MAIL_SERVER, has_no_mail_server
from schedules.models import Schedule
from schedules.services import schedule_writer
from schedules.timing import when_text
from schedules.timing.timezones import ZoneError, zone
from stagent.lib import clock

WALL_TIMES = ("starts_at", "ends_at")
WHEN_FIELDS = ("cron", "interval", "at", "every_sec")
WHEN_HELP = (
    "A phrase, a cron expression or a time: “every 5m”, “weekdays at 09:30”, “30 9 * * MON-FRI”, "
    "“2026-12-24 18:00”."
)


class ScheduleForm(forms.ModelForm):
    """Reads the timing from one line. `schedule_writer` validates; errors appear at their field."""

    when = forms.CharField(
        max_length=255,
        help_text=WHEN_HELP,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    timezone = forms.CharField(
        label="Time zone",
        max_length=64,
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
    )
    starts_at = WallTimeField(
        required=False, label="Start", help_text="No firings before this time, in the schedule's time zone."
    )
    ends_at = WallTimeField(
        required=False, label="End", help_text="No firings after this time, in the schedule's time zone."
    )

    class Meta:
        model = Schedule
        fields = (
            "name", "prompt", "profile", "project", "kind",
            "max_turns", "max_run_duration_sec", "max_cost_usd",
            "overlap_policy", "misfire_policy", "misfire_grace_sec", "max_retries",
            "retry_delay_sec", "retry_horizon_sec", "priority", "jitter_sec",
            "pool", "max_firings", "active_from", "active_until", "deliver_to_chat", "webhook_url", "email",
        )  # fmt: skip
        widgets = {
            "prompt": forms.Textarea(attrs={"rows": 7}),
            "active_from": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "active_until": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }
        help_texts = {
            "prompt": NOT_A_LIMIT,
            "max_run_duration_sec": "Seconds of work before a run is stopped and delivers what it has. "
            "Waiting does not count. Empty: the global limit.",
            "overlap_policy": "What happens if an earlier run of the schedule has not finished.",
            "misfire_policy": "What happens to instants that came due while no scheduler was running.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "max_turns" in self.fields:  # absent for read-only users
            steps = f"{steps_are()} Empty: the profile's limit, then the global one."
            self.fields["max_turns"].help_text = steps
        for name, value in self._initial_values().items():
            if name in self.fields:
                self.initial.setdefault(name, value)
        if "email" in self.fields and has_no_mail_server():
            self.fields["email"].help_text += f" {NO_MAIL_SERVER}"
        for field in self.fields.values():
            if isinstance(field.widget, RelatedFieldWidgetWrapper):
                field.widget = field.widget.widget  # no add and edit links
            field.show_hidden_initial = (
                self.instance.pk is not None
            )  # what its reader saw tells what they changed

    def _initial_values(self) -> dict[str, Any]:
        schedule = self.instance
        shown = {"when": when_text.show(schedule) if schedule.pk else "", "timezone": schedule.timezone}
        for name in WALL_TIMES:
            moment = getattr(schedule, name)
            self.initial.pop(name, None)
            shown[name] = moment.astimezone(zone(schedule.timezone)).replace(tzinfo=None) if moment else None
        return shown

    def clean_timezone(self) -> str:
        """Reject unknown time zones; the error suggests a name."""
        name: str = self.cleaned_data["timezone"]
        try:
            zone(name)
        except ZoneError as error:
            raise ValidationError(str(error)) from None
        return name

    def _post_clean(self) -> None:
        """Validate with `schedule_writer` on a copy; the form's instance keeps the stored values."""
        if self.errors:
            return
        try:
            schedule_writer.prepare(copy(self.instance), self.changes, now=clock.now())
        except ValidationError as error:
            self._add_errors(error)
        except ValueError as error:
            self.add_error("when", str(error))

    def _add_errors(self, error: ValidationError) -> None:
        errors_by_field: Mapping[str, list[ValidationError]] = getattr(
            error, "error_dict", {NON_FIELD_ERRORS: [error]}
        )
        for name, errors in errors_by_field.items():
            field = "when" if name in WHEN_FIELDS else name
            self.add_error(field if field in self.fields else None, errors)

    @property
    def changes(self) -> dict[str, Any]:
        """The changed fields as `schedule_writer.save` takes them; all fields for a new schedule."""
        data = self.cleaned_data
        names = set(data) if self.instance.pk is None else set(self.changed_data) & set(data)
        if "timezone" in names:  # local times now mean other moments
            names |= {name for name in WALL_TIMES if data.get(name)}
            names |= {"when"} if when_text.is_moment(data["when"]) else set()
        changes = {name: data[name] for name in names - {"when"}}
        changes |= {name: self._in_zone(data[name]) for name in names & set(WALL_TIMES)}
        return changes | (when_text.read(data["when"], data["timezone"]) if "when" in names else {})

    def _in_zone(self, naive: datetime | None) -> datetime | None:
        return naive.replace(tzinfo=zone(self.cleaned_data["timezone"])) if naive else None
