"""Renders a plan: added (+), changed (~, old -> new), paused (-)."""

from collections.abc import Iterator

from schedules.schedule_file.plan import Change, FilePlan
from stagent.lib.yaml_file.writer import describe_changes


def lines(planned: FilePlan) -> Iterator[str]:
    """Yield the lines of a plan and its totals."""
    for change in planned.changes:
        yield from of(change)
    count = {verb: sum(change.verb == verb for change in planned.changes) for verb in "+~-"}
    changing = f"{count['+']} to add, {count['~']} to change, {count['-']} to pause"
    yield f"{changing}, {planned.unchanged} unchanged."


def of(change: Change) -> Iterator[str]:
    """Yield the lines of one change."""
    project, name = change.place
    yield f"{change.verb} {name}" + (f" ({project})" if project else "")
    yield from describe_changes(change.fields, is_new=change.verb == "+")
