"""The one Procrastinate task: execute a claimed run. Procrastinate imports modules named `tasks`."""

from uuid import UUID

from procrastinate import JobContext
from procrastinate.contrib.django import app

from schedules.cluster_handoff import TASK


@app.task(name=TASK, pass_context=True)  # without retries: those of Stagent apply
async def perform(context: JobContext, *, run_id: int, token: str) -> None:
    """Execute a run on the host that fetched the job; does nothing if the claim is no longer valid."""
    await context.additional_context["host"].perform(run_id, UUID(token), context.abort_reason)
