"""Remedies for failed runs."""

from agents.failure_policies import policy
from schedules.models import Run
from schedules.states import RunStatus


def failure_help(run: Run) -> str:
    """Return the remedy for a failed run, unless its detail contains it already."""
    if run.status != RunStatus.FAILED:
        return ""
    advised = policy(run.failure_kind, run.failure_reason).remedy
    return "" if advised in run.failure_detail else advised
