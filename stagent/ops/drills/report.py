"""The result of a drill: each promise with its figure, kept or broken."""

import sys
from collections.abc import Sequence


class DrillReport:
    """Prints each result; `kept` is whether every promise was kept."""

    def __init__(self) -> None:
        self.kept = True

    def note(self, text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def fact(self, what: str, figure: object) -> None:
        """Print a figure."""
        self.note(f"       {what:<44} {figure}")

    def goal(self, what: str, figure: object, met: bool) -> None:
        """Print a performance goal; a missed one does not fail the drill."""
        self.note(f"{'met' if met else 'missed':>6} {what:<44} {figure}")

    def promise(self, what: str, figure: object, held: bool) -> None:
        """Print a promise; a broken one fails the drill."""
        self.kept = self.kept and held
        self.note(f"{'kept' if held else 'BROKEN':>6} {what:<44} {figure}")


def percentile(values: Sequence[float], share: float) -> float:
    """Return a percentile by nearest rank; 0 without values."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def spread(values: Sequence[float]) -> str:
    return f"p50 {percentile(values, 0.5):.0f} ms, p99 {percentile(values, 0.99):.0f} ms (n={len(values)})"
