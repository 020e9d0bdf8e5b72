"""The results: one row for each figure, printed as a Markdown table."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Row:
    """A figure of one database and its goal."""

    database: str
    what: str
    figure: str
    goal: str = ""
    met: bool | None = None

    @property
    def verdict(self) -> str:
        return {True: "met", False: "missed", None: ""}[self.met]


def report(what: str, figure: str, goal: str = "", met: bool | None = None, *, on: str = "") -> None:
    """Print a row for the parent process; `on` if it is of another database."""
    row = {"what": what, "figure": figure, "goal": goal, "met": met}
    print(json.dumps(row | ({"database": on} if on else {})), flush=True)


def percentile(values: Sequence[float], share: float) -> float:
    """Return a percentile by nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def ms(earlier: datetime | None, later: datetime | None) -> float:
    """Return the milliseconds between two moments."""
    assert earlier is not None
    assert later is not None
    return (later - earlier) / timedelta(milliseconds=1)


def spread(values: Sequence[float], unit: str = "ms") -> str:
    p50, p99 = percentile(values, 0.5), percentile(values, 0.99)
    return f"p50 {p50:.1f} {unit}, p99 {p99:.1f} {unit} (n={len(values)})"


def as_table(rows: Iterable[Row]) -> str:
    """Return the rows as a Markdown table."""
    cells: list[Sequence[Any]] = [("what", "database", "measured", "goal", "")]
    cells += [(row.what, row.database, row.figure, row.goal, row.verdict) for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(5)]
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |"
        for line in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
