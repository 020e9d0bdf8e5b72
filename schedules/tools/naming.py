"""Schedules by the names that people and models give them."""

from agents.tools.base import ToolError
from schedules.api import finding
from schedules.models import Schedule
from stagent.lib.api.values import number
from stagent.lib.text import clip

SHOWN = 5
WHERE = " list_schedules shows which there are."


def the_schedule(said: str) -> Schedule:
    """Find a schedule by its id or its whole name, whatever the case."""
    said = said.strip()
    key = number(said.removeprefix("#"))
    by_id = finding.schedules().filter(pk=key).first() if key is not None else None
    named = list(finding.schedules().filter(name__iexact=said)[: SHOWN + 1])
    if by_id and not named:
        return by_id
    if len(named) == 1:
        return named[0]
    raise ToolError(_ambiguous(said, named) if named else _unknown(said))


def _ambiguous(said: str, named: list[Schedule]) -> str:
    return f"Several schedules are named {said!r}: {_listed(named)}. Say which, by its id."


def _unknown(said: str) -> str:
    near = list(finding.schedules().filter(name__icontains=said)[:SHOWN]) if said else []
    hint = f" Did you mean {_listed(near)}?" if near else WHERE
    return f"There is no schedule {clip(said, 80)!r}.{hint}"


def _listed(schedules: list[Schedule]) -> str:
    return ", ".join(f"{schedule.name!r} (id {schedule.pk})" for schedule in schedules)
