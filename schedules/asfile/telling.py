"""A schedule as the file says it: what is not the default, under the names of the API."""

import re
from datetime import datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any

import yaml

from schedules.api.asking import DEFAULT_PROFILE, NewSchedule
from schedules.asfile.reading import ROOT, Loader
from schedules.models import Schedule
from schedules.states import ScheduleStatus

WHEN = ("interval", "cron", "at")
REASON = "paused_reason"  # in a file alone: to the API it is the reason of a pause
STANDING = ("status", REASON)
ALWAYS = ("name", "key", "project", "profile", "status", *WHEN, "timezone", "prompt")
OTHERS = tuple(name for name in NewSchedule.model_fields if name not in ALWAYS)
UNUSUAL = re.compile(
    r"[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
NUMBER = re.compile(r"[-+]?([0-9.]+([eE][-+]?[0-9]+)?|0o[0-7]+)$")
HEAD = """\
# Schedules of this install. `manage.py schedules plan` says what this file would change, `apply` does it.
# A field that is not here has its default; a status that is not here stays as it is.
"""


def default(name: str) -> Any:
    """Return what a field is where the file does not say it."""
    if name == "profile":
        return DEFAULT_PROFILE
    column: Any = Schedule._meta.get_field(name)
    return plain(column.get_default()) if column.has_default() and name != "timezone" else None


def told(schedule: Schedule) -> dict[str, Any]:
    """Return a schedule's fields by their names, in the order of the file, defaults left out."""
    said = {name: plain(getattr(schedule, name)) for name in ("name", "key", "project", "profile")}
    if schedule.status != ScheduleStatus.ACTIVE or schedule.at or schedule.ends_at:  # may be over when read
        said["status"] = plain(schedule.status)
    if schedule.status == ScheduleStatus.PAUSED:
        said[REASON] = schedule.paused_reason or None
    said |= _when(schedule) | {"timezone": schedule.timezone, "prompt": schedule.prompt}
    said |= {name: plain(getattr(schedule, name)) for name in OTHERS}
    return {
        name: value
        for name, value in said.items()
        if name in KEPT or (value is not None if name == REASON else value != default(name))
    }


KEPT = {"name", "profile", "status", "timezone", "prompt", *WHEN}


def _when(schedule: Schedule) -> dict[str, Any]:
    """Return the one field that says when, in words where it was words."""
    if schedule.every_sec and not schedule.interval:
        return {"interval": f"{schedule.every_sec}s"}
    name = next(name for name in WHEN if getattr(schedule, name))
    return {name: plain(getattr(schedule, name))}


def plain(value: Any) -> Any:
    """Return a value as YAML has it; what says nothing is None."""
    match value:
        case bool() | int():
            return value
        case Enum():
            return value.value
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case time():
            return value.isoformat("minutes" if not (value.second or value.microsecond) else "auto")
        case Decimal():
            return float(value)
        case None | "":
            return None
    return getattr(value, "slug", None) or str(value)


class _Dumper(yaml.SafeDumper):
    """Long text in lines of its own; quotes around what any YAML reader could take for a number."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    for _readers in (yaml.SafeDumper, Loader):
        for _first, _known in _readers.yaml_implicit_resolvers.items():
            yaml_implicit_resolvers.setdefault(_first, []).extend(_known)
    for _first in "-+.0123456789":  # YAML 1.2, which takes 1e3 and 0o17 for numbers, too
        yaml_implicit_resolvers.setdefault(_first, []).append(("tag:yaml.org,2002:float", NUMBER))

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = '"' if UNUSUAL.search(value) else "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def written(schedules: list[dict[str, Any]]) -> str:
    """Return the file that holds these."""
    if not schedules:
        return f"{HEAD}{ROOT}: []\n"
    return f"{HEAD}{ROOT}:\n" + "\n".join(map(_item, schedules))


def _item(fields: dict[str, Any]) -> str:
    options: Any = {"Dumper": _Dumper, "sort_keys": False, "allow_unicode": True, "width": 100, "indent": 2}
    text: str = yaml.dump({ROOT: [fields]}, **options)
    return text.partition("\n")[2]
