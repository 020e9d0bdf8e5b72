"""What to do about a run that failed."""

from agents.failures import policy
from schedules.models import Run
from schedules.states import RunStatus


def failure_help(run: Run) -> str:
    """Say what to do, where the detail does not say it already; nothing for a run that did not fail."""
    if run.status != RunStatus.FAILED:
        return ""
    advised = policy(run.failure_kind, run.failure_reason).remedy
    return "" if advised in run.failure_detail else advised
