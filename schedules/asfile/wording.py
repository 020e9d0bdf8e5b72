"""A plan in words: what comes (+), what changes (~, old -> new), what is paused (-)."""

from collections.abc import Iterator
from difflib import ndiff
from typing import Any

from schedules.asfile.planning import Change, Plan


def lines(planned: Plan) -> Iterator[str]:
    """Say a plan, change by change, and how much it is."""
    for change in planned.changes:
        yield from of(change)
    count = {verb: sum(change.verb == verb for change in planned.changes) for verb in "+~-"}
    changing = f"{count['+']} to add, {count['~']} to change, {count['-']} to pause"
    yield f"{changing}, {planned.unchanged} unchanged."


def of(change: Change) -> Iterator[str]:
    """Say one change."""
    project, name = change.place
    yield f"{change.verb} {name}" + (f" ({project})" if project else "")
    for field, (old, new) in change.fields.items():
        yield from _field(field, old, new, fresh=change.verb == "+")


def _field(name: str, old: Any, new: Any, *, fresh: bool) -> Iterator[str]:
    if "\n" in f"{old}{new}":
        yield f"    {name}:"
        differing = ndiff(_rows(old), _rows(new))
        yield from (f"      {row.rstrip()}" for row in differing if row[0] in "+-")
    else:
        yield f"    {name}: {_said(new)}" if fresh else f"    {name}: {_said(old)} -> {_said(new)}"


def _rows(value: Any) -> list[str]:
    return [] if value is None else str(value).splitlines()


def _said(value: Any) -> str:
    return {None: "(default)", True: "true", False: "false"}.get(value, str(value))
