"""From claim to first event when many runs are claimed at once.

The model takes three seconds, as models do: only the start is measured.
"""

from django.db import transaction
from django.db.models import Min

from benchmarks.fixtures import QUICK, a_schedule, a_scheduler_process, wait_for
from benchmarks.rows import ms, report, spread
from schedules.models import Run, Schedule
from schedules.states import Source
from schedules.transitions import enqueue
from stagent.lib import clock, wakeup

AT_ONCE = (1, 32, 100)
ROUNDS = {1: 20, 32: 4, 100: 2}


def main() -> None:
    schedule = a_schedule(
        clock.now(), overlap_policy="allow", prompt="Say hello. [[offline: first_token=3s]]"
    )
    with a_scheduler_process(cap=max(AT_ONCE)):
        begin(schedule, 4)
        for many in AT_ONCE:
            rounds = 1 if QUICK else ROUNDS[many]
            waits = [wait for _ in range(rounds) for wait in begin(schedule, many)]
            report(f"claimed → first event, {many} at once", spread(waits))


def begin(schedule: Schedule, many: int) -> list[float]:
    """Queue runs in one transaction; return how long each waited for its engine after the claim."""
    before = Run.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    with transaction.atomic():
        for _ in range(many):
            enqueue(schedule, source=Source.MANUAL, now=clock.now())
        wakeup.notify()
    wait_for(lambda: not Run.objects.unfinished().exists())
    runs = Run.objects.filter(pk__gt=before).annotate(first=Min("transcript__events__at"))
    return [ms(run.slot_claimed_at, run.first) for run in runs]


if __name__ == "__main__":
    main()
