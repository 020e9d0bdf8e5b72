"""Stagent: a scheduler process with a few slots. A no-op run calls no model.

It is queued, claims its slot under a lease, starts (recorded) and ends with streaks, metrics and transcript.
Only the conversation is missing, as the others' jobs have none.
"""

from datetime import UTC, datetime

from benchmarks.rivals import procedure


def serve() -> None:
    """Run `manage.py runscheduler` with a worker that calls no model."""
    import django

    django.setup()
    from django.core.management import call_command

    from agents.protocol.events import Finished
    from schedules.execution import run_task

    async def say_nothing(job: run_task.Job) -> Finished:
        procedure.record_start(f"run {job.claim.run_id}")
        return Finished("completed", text="Done.")

    run_task._run_engine = say_nothing
    call_command("runscheduler", max_concurrent=procedure.AT_ONCE, grace=0)


def main() -> None:
    from benchmarks.fixtures import a_schedule, wait_for
    from benchmarks.pickup import queue
    from schedules.models import Run
    from stagent.lib import clock

    def due(minute: float) -> list[str]:
        runs = Run.objects.filter(source="scheduled", queued_at__gte=datetime.fromtimestamp(minute, UTC))
        wait_for(lambda: runs.count() == procedure.CRON_JOBS, procedure.PATIENCE_SEC)
        return [f"run {key}" for key in runs.values_list("pk", flat=True)]

    for number in range(procedure.CRON_JOBS):
        a_schedule(clock.now(), name=f"Rival {number}", cron="* * * * *")
    by_hand = a_schedule(clock.now(), overlap_policy="allow")
    with procedure.running(procedure.command_of("ours", "serve")):
        procedure.run(lambda _: f"run {queue(by_hand).pk}", due)
