"""Updates a schedule after a run: averages, the two failure streaks and the self-pause.

`failure_streak` counts generic failures in a row, `turn_budget_breach_streak` only turn-limit breaches;
neither affects the other and a success resets both.
"""

from datetime import datetime, timedelta

from agents.failure_policies import Sample, Streak, policy
from agents.models.profile import MAX_TURNS
from schedules import conf
from schedules.deliveries import outbox
from schedules.models import Run, Schedule, statistics_filter
from schedules.models.schedule import LONGEST_REASON, PAUSED_ITSELF
from schedules.monitoring import notices
from schedules.signals import announce, schedule_paused_itself, schedule_warned
from schedules.states import RunStatus, ScheduleStatus
from schedules.transitions import prepared_sql
from stagent.lib.text import clip

PAUSE_AFTER_FAILURES = 3
WARN_AFTER_BREACHES = 2
PAUSE_AFTER_BREACHES = 5
WARN_AFTER_SLOW_RUNS = 3
SLOW_SHARE = 0.8  # of the time limit
SHORTEST_LIMIT_MS = 1_000  # below its share nothing is looked up
GRACE_PERIODS = 2  # after max_turns was set, a breach is logged and not counted


def update(run: Run, schedule: Schedule, *, now: datetime) -> None:
    """Write the ending of a run into its locked schedule, in the transaction that ended it."""
    _average(schedule, run)
    _notice_slowness(schedule, run, now)
    if run.status == RunStatus.COMPLETED:
        _succeed(schedule)
        schedule.suppression_count += run.suppressed
    elif run.status == RunStatus.FAILED:
        schedule.last_failure_reason = run.failure_reason
        _count(schedule, run, now)
    kept = {name: getattr(schedule, name) for name in prepared_sql.STREAKS}
    prepared_sql.SAVE_STREAKS(schedule_id=schedule.pk, **kept)


def _average(schedule: Schedule, run: Run) -> None:
    """Update the averages if the run counts for statistics."""
    sample = statistics_filter.of(run.status, run.failure_kind, run.turn_count)
    if sample == Sample.NONE:
        return
    schedule.last_turn_count = run.turn_count
    schedule.avg_turns_per_firing = statistics_filter.blend(
        schedule.avg_turns_per_firing, run.turn_count, sample
    )
    schedule.avg_duration_ms = statistics_filter.blend(schedule.avg_duration_ms, run.worked_ms, sample)
    schedule.avg_is_lower_bound = sample == Sample.LOWER_BOUND


def _notice_slowness(schedule: Schedule, run: Run, now: datetime) -> None:
    """Count the consecutive runs that used most of their time; runs that never worked do not count."""
    if statistics_filter.of(run.status, run.failure_kind, run.turn_count) == Sample.NONE:
        return
    slow = run.worked_ms > SLOW_SHARE * SHORTEST_LIMIT_MS and _is_slow(run)
    schedule.slow_streak = schedule.slow_streak + 1 if slow else 0
    if schedule.slow_streak == WARN_AFTER_SLOW_RUNS:
        _warn(schedule, slowness_advice(schedule), now)


def _is_slow(run: Run) -> bool:
    limit = run.time_limit(conf.load().max_run_duration_sec)
    return timedelta(milliseconds=run.worked_ms) > SLOW_SHARE * limit


def _warn(schedule: Schedule, text: str, now: datetime) -> None:
    """Warn the schedule's targets and the log."""
    outbox.post_warning(schedule, text, now)
    announce(schedule_warned, schedule=schedule, text=text)


def _succeed(schedule: Schedule) -> None:
    schedule.failure_streak = schedule.turn_budget_breach_streak = 0
    schedule.last_failure_reason = ""


def _count(schedule: Schedule, run: Run, now: datetime) -> None:
    match policy(run.failure_kind, run.failure_reason).streak:
        case Streak.BREACH:
            _count_breach(schedule, now)
        case Streak.FAILURE:
            schedule.failure_streak += 1
            if schedule.failure_streak >= PAUSE_AFTER_FAILURES:
                why = f"{schedule.failure_streak} failures in a row, the last one {run.failure_reason}."
                _pause_itself(schedule, why, now)


def _count_breach(schedule: Schedule, now: datetime) -> None:
    if in_grace(schedule, now):
        announce(
            schedule_warned,
            schedule=schedule,
            text="A turn-limit breach within two periods after a new limit is not counted.",
        )
        return
    schedule.turn_budget_breach_streak += 1
    if schedule.turn_budget_breach_streak >= PAUSE_AFTER_BREACHES:
        _pause_itself(schedule, streak_advice(schedule), now)
    elif schedule.turn_budget_breach_streak == WARN_AFTER_BREACHES:
        _warn(schedule, streak_advice(schedule), now)


def in_grace(schedule: Schedule, now: datetime) -> bool:
    """Return whether max_turns was set within two periods."""
    if schedule.max_turns_set_at is None:
        return False
    period = schedule.recurrence.period(schedule.max_turns_set_at)
    return period is not None and now <= schedule.max_turns_set_at + GRACE_PERIODS * period


def _pause_itself(schedule: Schedule, why: str, now: datetime) -> None:
    """Pause an active schedule; a paused or completed one is unchanged."""
    if schedule.status != ScheduleStatus.ACTIVE:
        return
    from schedules.transitions.schedules.status import (
        pause,
    )  # which may end runs in the way, and so leads here

    reason = clip(f"{PAUSED_ITSELF}: {why}", LONGEST_REASON)
    if not pause(schedule.pk, now=now, reason=reason):
        return
    schedule.status, schedule.paused_reason = ScheduleStatus.PAUSED, reason
    outbox.post_self_pause(schedule, now)
    notices.notify_self_pause(schedule, why, now)
    announce(schedule_paused_itself, schedule=schedule)


def streak_advice(schedule: Schedule) -> str:
    return f"{schedule.turn_budget_breach_streak} turn-limit breaches in a row. {breach_advice(schedule)}"


def breach_advice(schedule: Schedule) -> str:
    """Describe the steps of its runs and advise a limit: half again as many, in tens.

    Runs that were cut off needed more: the advised limit is above where they were cut.
    """
    steps = max(schedule.avg_turns_per_firing or 0, schedule.last_turn_count or 0)
    advised = min(MAX_TURNS, max(10, -(-round(steps * 1.5) // 10) * 10))
    least = "at least " if schedule.avg_is_lower_bound else ""
    told = f"Its runs need {least}{steps:.0f} agent steps" + (", where they were cut off" if least else "")
    return f"{told}; try a limit of {advised} or more."


def slowness_advice(schedule: Schedule) -> str:
    least = "at least " if schedule.avg_is_lower_bound else ""
    return (
        f"{schedule.slow_streak} runs in a row took more than {SLOW_SHARE:.0%} of their time limit "
        f"(average {least}{(schedule.avg_duration_ms or 0) / 1000:.0f} s); raise the time limit."
    )


def advice(schedule: Schedule) -> list[str]:
    """Return the current warnings, for the admin and the API."""
    standing = []
    if schedule.turn_budget_breach_streak >= WARN_AFTER_BREACHES:
        standing.append(streak_advice(schedule))
    if schedule.slow_streak >= WARN_AFTER_SLOW_RUNS:
        standing.append(slowness_advice(schedule))
    return standing
