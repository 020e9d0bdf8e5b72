"""What a drill found: each promise with the figure that shows it, and whether it was kept."""

import sys
from collections.abc import Sequence


class DrillReport:
    """Prints as it goes; `kept` tells in the end whether every promise was."""

    def __init__(self) -> None:
        self.kept = True

    def note(self, text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def fact(self, what: str, figure: object) -> None:
        """Print a figure that nothing hangs on."""
        self.note(f"       {what:<44} {figure}")

    def goal(self, what: str, figure: object, met: bool) -> None:
        """Print a goal of speed: on a busy machine it may be missed, and that fails nothing."""
        self.note(f"{'met' if met else 'missed':>6} {what:<44} {figure}")

    def promise(self, what: str, figure: object, held: bool) -> None:
        """Print a promise: kept, or broken, which fails the drill."""
        self.kept = self.kept and held
        self.note(f"{'kept' if held else 'BROKEN':>6} {what:<44} {figure}")


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of all does not exceed, by nearest rank; 0 of none."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def spread(values: Sequence[float]) -> str:
    return f"p50 {percentile(values, 0.5):.0f} ms, p99 {percentile(values, 0.99):.0f} ms (n={len(values)})"
