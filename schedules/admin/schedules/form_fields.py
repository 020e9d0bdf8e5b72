"""A field for a naive local time; its zone is another field of the form."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime


class WallTimeField(forms.Field):
    """A naive date and time from the browser's picker."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "60"}, format="%Y-%m-%dT%H:%M")

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        try:
            moment = parse_datetime(str(value))
        except ValueError:
            moment = None
        if moment is None:
            raise ValidationError("Enter a date and time such as 2026-12-24 18:00.")
        return moment.replace(tzinfo=None)
