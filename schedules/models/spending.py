"""The account that a run's spending is charged to."""

from agents.spending.budgets import Spender
from agents.states import Activity
from schedules.models import Run


def spender(run: Run) -> Spender:
    return Spender(
        activity=Activity.RUN_TURN,
        project_id=run.project_id,
        schedule_id=run.schedule_id,
        run_id=run.pk,
        user_id=run.requested_by_id or (run.schedule.owner_id if run.schedule else None),
    )
