"""A schedule whose instant has come: what is due, and what becomes of each instant. It writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from django.utils.functional import cached_property

from schedules.calendar import Instant, jittered
from schedules.misfires import Plan, Policy, default_grace, plan
from schedules.models import Firing, Run, Schedule
from schedules.quiet import is_quiet
from schedules.situation import Situation
from schedules.states import FiringKind, Outcome, OverlapPolicy, RunStatus, Source
from schedules.transitions import new_run

# A run still queued after its grace and this is not wanted any more.
QUEUE_PATIENCE = timedelta(hours=1)
SPREAD_SEC = 5  # deferred schedules come back spread over this, not all at once


@dataclass
class Due:
    """A schedule at a moment when its instant has come; `earlier` are its unfinished runs.

    `decide` fills in what is to be written: a firing for each instant, runs, and the runs in their way.
    """

    schedule: Schedule
    situation: Situation
    earlier: Sequence[Run] = ()
    firings: list[Firing] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    in_the_way: list[Run] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return self.situation.now

    def decide(self) -> None:
        """Decide about every due instant and explain each."""
        self._explain(self.plan.coalesced, self.plan.coalesced_count, Outcome.COALESCED)
        self._explain(self.plan.skipped, self.plan.skipped_count, Outcome.SKIPPED_MISFIRE)
        for instant in self.plan.fire:
            self._decide(instant)

    # Chat comes first, for a bounded time.

    def steps_back_until(self) -> datetime | None:
        """Return until when it waits for somebody who is being answered; after the longest delay it fires."""
        conf, due_at = self.situation.conf, self.due_at
        if not self.situation.chat_presses or self.now >= due_at + conf.chat_max_delay:
            return None
        spread = (
            jittered(self.schedule.pk, due_at, min(SPREAD_SEC, conf.chat_pressure_delay_sec // 6), None)
            - due_at
        )
        return min(self.now + conf.chat_delay + spread, due_at + conf.chat_max_delay)

    @property
    def due_at(self) -> datetime:
        assert self.schedule.next_fire_at is not None
        return self.schedule.next_fire_at

    # Which instants are due.

    @cached_property
    def plan(self) -> Plan:
        """Return what the misfire policy makes of what is due; within its jitter an instant is not due."""
        decided = self._plan_until(self.now)
        last = decided.fire[-1].at if decided.fire else None
        if last and len(decided.fire) + decided.coalesced_count > 1 and self._fire_at(last) > self.now:
            return self._plan_until(last - timedelta(microseconds=1))
        return decided

    def _plan_until(self, moment: datetime) -> Plan:
        schedule = self.schedule
        assert schedule.next_nominal_at is not None
        first = Instant(schedule.next_nominal_at, schedule.next_dst_shifted)
        return plan(schedule.recurrence, first, moment, cast(Policy, schedule.misfire_policy), self.grace)

    @cached_property
    def grace(self) -> timedelta:
        """Return how late an instant may be; jitter and stepping back for chat are not lateness."""
        stepped_back = self.now - self.due_at if self.schedule.deferred_until else timedelta()
        default = default_grace(self.schedule.recurrence.period(self.due_at))
        return self.schedule.grace(default) + timedelta(seconds=self.schedule.jitter_sec) + stepped_back

    def _fire_at(self, nominal: datetime) -> datetime:
        if not self.schedule.jitter_sec:
            return nominal
        following = self.schedule.recurrence.next_after(nominal)
        return jittered(
            self.schedule.pk, nominal, self.schedule.jitter_sec, following.at if following else None
        )

    # What becomes of each.

    def _decide(self, instant: Instant) -> None:
        outcome, reason = self._outcome(instant)
        if outcome != Outcome.FIRED:
            self._record(instant, outcome, reason=reason)
            return
        due_at = self._fire_at(instant.at)
        firing = self._record(
            instant,
            outcome,
            reason=reason,
            due_at=due_at,
            fired_at=self.now,
            deferral_ms=max(0, round((self.now - due_at).total_seconds() * 1000))
            if self.schedule.deferred_until
            else 0,
            max_turns_at_firing=self.schedule.max_turns,
        )
        late = self.now - due_at > self.grace
        self.runs.append(
            new_run(
                self.schedule,
                source=Source(self.schedule.kind),
                now=self.now,
                firing=firing,
                due_at=due_at,
                lane="backfill" if late else "scheduled",
                expires_at=self.now + self.grace + QUEUE_PATIENCE,
            )
        )

    def _outcome(self, instant: Instant) -> tuple[Outcome, str]:
        if (
            self.schedule.max_firings
            and self.schedule.firing_count + len(self.runs) >= self.schedule.max_firings
        ):
            return Outcome.CAPPED, f"It may fire {self.schedule.max_firings} times, and has."
        if is_quiet(self.schedule, instant.at):
            return Outcome.SKIPPED_QUIET_HOURS, f"Outside its active hours, {quiet_hours(self.schedule)}."
        if spent := self._spent_budget():
            return Outcome.SKIPPED_BUDGET, spent
        if blocker := self._blocker():
            return Outcome.SKIPPED_OVERLAP, blocker
        return (
            Outcome.FIRED,
            "The instant did not exist that day; fired right after the gap." if instant.dst_shifted else "",
        )

    def _spent_budget(self) -> str:
        return self.situation.budgets.covering(
            project_id=self.schedule.project_id, schedule_id=self.schedule.pk
        )

    def _blocker(self) -> str:
        """Say which earlier run is in the way under the overlap policy; instants fired together are not."""
        policy = self.schedule.overlap_policy
        if not self.earlier:
            return ""
        if self.situation.conf.stopped and (blocker := self._stopped_blocker()):
            return blocker
        if policy == OverlapPolicy.ALLOW:
            return ""
        if policy == OverlapPolicy.CANCEL_RUNNING:
            self.in_the_way = list(self.earlier)
            return ""
        if policy == OverlapPolicy.QUEUE_ONE:
            waiting = [run for run in self.earlier if run.status == RunStatus.QUEUED]
            return f"Run {waiting[0].pk} is already waiting." if waiting else ""
        return f"Run {self.earlier[0].pk} is still {self.earlier[0].status}."

    def _stopped_blocker(self) -> str:
        """While scheduled work is stopped, one run of a schedule waits, and none is cancelled for it."""
        waiting = [run for run in self.earlier if run.status == RunStatus.QUEUED]
        if waiting:
            return f"All scheduled work is stopped, and run {waiting[0].pk} is already waiting."
        if self.schedule.overlap_policy == OverlapPolicy.CANCEL_RUNNING:
            return f"All scheduled work is stopped, so run {self.earlier[0].pk} goes on."
        return ""

    # Writing it down.

    def _explain(self, instants: tuple[Instant, ...], count: int, outcome: Outcome) -> None:
        """Let one row stand for all the instants that were coalesced or skipped."""
        if not count:
            return
        span = (
            f"{count} instants, the first at {instants[0].at:%Y-%m-%d %H:%M} UTC,"
            if count > 1
            else "The instant"
        )
        because = "came due while no scheduler was there to fire in time"
        fate = (
            "a later one stands for it." if outcome == Outcome.COALESCED else "the misfire policy skips such."
        )
        self._record(instants[0], outcome, reason=f"{span} {because}; {fate}", count=count)

    def _record(self, instant: Instant, outcome: Outcome, *, reason: str, **columns: Any) -> Firing:
        firing = Firing(
            schedule=self.schedule,
            schedule_name=self.schedule.name,
            kind=FiringKind(self.schedule.kind),
            nominal_at=instant.at,
            dst_shifted=instant.dst_shifted,
            outcome=outcome,
            reason=reason,
            **{"due_at": instant.at, **columns},
        )
        self.firings.append(firing)
        return firing


def quiet_hours(schedule: Schedule) -> str:
    return f"{schedule.active_from:%H:%M} to {schedule.active_until:%H:%M} in {schedule.timezone}"
