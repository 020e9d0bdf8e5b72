"""Decides what happens to each due instant of a schedule. Writes nothing."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from schedules.capacity.lateness import span_of
from schedules.models import Firing, Run, Schedule
from schedules.models.firing import LONGEST_OUTCOME
from schedules.states import BY_HAND, FiringKind, Outcome, OverlapPolicy, RunStatus, Source
from schedules.timing.misfires import NEVER_LATE, MissedSpan
from schedules.timing.recurrence import Instant, jittered
from schedules.transitions.enqueue import new_run
from schedules.transitions.schedules.due_instants import DueInstants
from schedules.transitions.schedules.next_instant import is_credible
from stagent.lib.text import clip

# A run still queued after its grace and this is not wanted any more.
QUEUE_PATIENCE = timedelta(hours=1)
SPREAD_SEC = 5  # deferred schedules come back spread over this, not all at once


@dataclass
class DueDecision(DueInstants):
    """The decision: firings to write, runs to queue and runs to cancel."""

    firings: list[Firing] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    to_cancel: list[Run] = field(default_factory=list)

    def decide(self) -> None:
        """Decide about every due instant and explain each."""
        if self.schedule.at is not None:
            self._decide_one_shot()
            return
        for span in self.quiet:
            self._record_span(span, Outcome.SKIPPED_QUIET_HOURS, self._quiet_reason())
        for span in self.plan.coalesced:
            self._record_span(span, Outcome.COALESCED, self._late_reason(span, self._coalesced_into()))
        for span in self.plan.skipped:
            policy = "the misfire policy skips instants that late"
            self._record_span(span, Outcome.SKIPPED_MISFIRE, self._late_reason(span, policy))
        for instant in self.plan.fire:
            self._decide(instant)

    # Chat comes first, for a bounded time.

    def deferred_until_for_chat(self) -> datetime | None:
        """Return until when it waits for a streaming reply; None if it fires now, at the latest after the
        longest delay.
        """
        conf, due_at = self.situation.conf, self.due_at
        if not self.situation.is_chat_busy or self.now >= due_at + conf.chat_max_delay:
            return None
        spread = (
            jittered(self.schedule.pk, due_at, min(SPREAD_SEC, conf.chat_pressure_delay_sec // 6), None)
            - due_at
        )
        return min(self.now + conf.chat_delay + spread, due_at + conf.chat_max_delay)

    # What becomes of each.

    def _decide(self, instant: Instant) -> None:
        outcome, reason = self._outcome(instant)
        if outcome != Outcome.FIRED:
            self._record(instant, outcome, reason=reason)
            return
        due_at = min(self._fire_at(instant.at), max(self.now, instant.at))
        late = self.now - due_at > self.grace
        self._fire(instant, due_at, reason, late=late, expires_at=self.now + self.grace + QUEUE_PATIENCE)

    def _decide_one_shot(self) -> None:
        """Fire a one-shot: its run waits for overlap, budgets and active hours; only expiry ends it."""
        assert self.schedule.next_nominal_at is not None
        assert self.schedule.expires_at is not None
        instant = Instant(self.schedule.next_nominal_at, self.schedule.next_dst_shifted)
        if any(row.nominal_at == instant.at and is_credible(row, self.now) for row in self.recorded):
            return
        expires_at = max(self.schedule.expires_at, self.due_at + QUEUE_PATIENCE)
        if self.now > expires_at:
            self._record(
                instant,
                Outcome.MISSED,
                reason=self._late_reason(MissedSpan(instant, instant, 1), "it expired"),
            )
            return
        stopped = self.situation.conf.stopped
        if self.schedule.overlap_policy == OverlapPolicy.CANCEL_RUNNING and not stopped:
            self.to_cancel = self._cancellable()
        self._fire(instant, self.due_at, self._lateness(self.due_at), late=False, expires_at=expires_at)

    def _fire(
        self, instant: Instant, due_at: datetime, reason: str, *, late: bool, expires_at: datetime
    ) -> None:
        deferred = self.now - due_at if self.schedule.deferred_until else timedelta()
        firing = self._record(
            instant,
            Outcome.FIRED,
            reason=reason,
            due_at=due_at,
            fired_at=self.now,
            deferral_ms=max(0, round(deferred.total_seconds() * 1000)),
            max_turns_at_firing=self.schedule.max_turns,
        )
        self.runs.append(
            new_run(
                self.schedule,
                source=Source(self.schedule.kind),
                now=self.now,
                firing=firing,
                due_at=due_at,
                lane="backfill" if late else "scheduled",
                expires_at=expires_at,
            )
        )

    def _outcome(self, instant: Instant) -> tuple[Outcome, str]:
        left = self.schedule.firings_left
        if left is not None and len(self.runs) >= left:
            most = self.schedule.max_firings
            return Outcome.LIMIT_REACHED, f"Reached its limit of {most} firing{'' if most == 1 else 's'}."
        if self._is_quiet(instant):
            return Outcome.SKIPPED_QUIET_HOURS, self._quiet_reason()
        if spent := self._spent_budget():
            return Outcome.SKIPPED_BUDGET, spent
        if blocker := self._blocker():
            return Outcome.SKIPPED_OVERLAP, blocker
        if instant.dst_shifted:
            return Outcome.FIRED, "This local time did not exist that day; fired right after the gap."
        return Outcome.FIRED, self._lateness(self._fire_at(instant.at))

    def _quiet_reason(self) -> str:
        return f"Outside its active hours, {quiet_hours(self.schedule)}."

    def _spent_budget(self) -> str:
        return self.situation.budgets.reason_for(
            project_id=self.schedule.project_id, schedule_id=self.schedule.pk
        )

    def _blocker(self) -> str:
        """Return which earlier run blocks it under the overlap policy; instants fired together do not."""
        policy = self.schedule.overlap_policy
        if not self.earlier:
            return ""
        if self.situation.conf.stopped and (blocker := self._stopped_blocker()):
            return blocker
        if policy == OverlapPolicy.ALLOW:
            return ""
        if policy == OverlapPolicy.CANCEL_RUNNING:
            self.to_cancel = self._cancellable()
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

    def _cancellable(self) -> list[Run]:
        """Return the earlier runs that a newer one replaces; runs that a person started are kept."""
        return [run for run in self.earlier if run.source not in BY_HAND]

    # Writing it down.

    def _lateness(self, due_at: datetime) -> str:
        """Return how late it fires and why; empty if it is on time."""
        late = self.now - due_at
        if late <= NEVER_LATE or self.schedule.deferred_until:
            return ""
        cause = self._cause(due_at)
        return f"Fired {span_of(late)} late{f': {cause}' if cause else ''}."

    def _cause(self, moment: datetime) -> str:
        """Return why what was due at a moment was not recorded then, cause by cause; "" if unknown."""
        paused, resumed = self.schedule.paused_at, self.schedule.resumed_at
        if resumed is None or not moment < resumed <= self.now:
            return self.delays.cause(moment)
        was_due = paused is not None and moment < paused <= resumed
        causes = [
            self.delays.cause(moment) if was_due else "",
            f"it was paused until {resumed:%Y-%m-%d %H:%M:%S} UTC",
            self.delays.cause(resumed) if self.now - resumed > NEVER_LATE else "",
        ]
        return ", then ".join(filter(None, causes))

    def _late_reason(self, span: MissedSpan, consequence: str) -> str:
        """Return which instants were late, by how much, why if known, and the consequence."""
        late = span_of(self.now - span.first.at)
        cause = self._cause(span.first.at)
        why = f": {cause}" if cause else ""
        if span.count == 1:
            return f"It was {late} late{why}; {consequence}."
        which = f"{span.count} instants from {_utc(span.first)} to {_utc(span.last)} UTC"
        return f"{which}, up to {late} late{why}; {consequence}."

    def _coalesced_into(self) -> str:
        return f"coalesced into the instant at {_utc(self.plan.fire[-1])} UTC"

    def _record_span(self, span: MissedSpan, outcome: Outcome, reason: str) -> None:
        """Write one row for all instants of a span."""
        last = span.last.at if span.count > 1 else None
        self._record(
            span.first, outcome, reason=clip(reason, LONGEST_OUTCOME), count=span.count, last_nominal_at=last
        )

    def _record(self, instant: Instant, outcome: Outcome, *, reason: str, **columns: Any) -> Firing:
        firing = Firing(
            schedule=self.schedule,
            schedule_name=self.schedule.name,
            kind=FiringKind(self.schedule.kind),
            nominal_at=instant.at,
            recorded_at=self.now,
            dst_shifted=instant.dst_shifted,
            outcome=outcome,
            reason=reason,
            **{"due_at": instant.at, **columns},
        )
        self.firings.append(firing)
        return firing


def quiet_hours(schedule: Schedule) -> str:
    return f"{schedule.active_from:%H:%M} to {schedule.active_until:%H:%M} in {schedule.timezone}"


def _utc(instant: Instant) -> str:
    return f"{instant.at:%Y-%m-%d %H:%M:%S}".removesuffix(":00")
