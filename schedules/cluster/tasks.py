"""The one task of the workers: perform a run that was handed over. Procrastinate looks for `tasks`."""

from uuid import UUID

from procrastinate import JobContext
from procrastinate.contrib.django import app

from schedules.cluster_handoff import TASK


@app.task(name=TASK, pass_context=True)  # without retries: those of Stagent apply
async def perform(context: JobContext, *, run_id: int, token: str) -> None:
    """Perform a run on the host that fetched the job; nothing, where the claim is no more."""
    await context.additional_context["host"].perform(run_id, UUID(token), context.abort_reason)
