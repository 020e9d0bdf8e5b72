"""Logs when runs begin or cease to be blocked: by a full cap, by live chat, by the stop switch."""

import logging
from collections.abc import Callable

from schedules.capacity import wait_reasons
from schedules.capacity.conditions import StartConditions
from schedules.models.slot import DEFAULT_POOL
from schedules.states import WaitReason

log = logging.getLogger(__name__)


class BlockLog:
    """The last logged state of this process; one line per change, not one per pass."""

    def __init__(self) -> None:
        self._logged: dict[WaitReason, bool] = {}

    def queue_is_empty(self) -> None:
        """Log that nothing is blocked any more, if something was."""
        for reason in [reason for reason, held in self._logged.items() if held]:
            self._logged[reason] = False
            log.info("%s", FREE[reason])

    def update(self, situation: StartConditions, full: frozenset[str]) -> None:
        """Log what changed since the last pass. The queue is counted only if it may have changed."""
        blocked = {
            WaitReason.SLOT: DEFAULT_POOL in full,
            WaitReason.CHAT: situation.is_chat_busy,
            WaitReason.STOPPED: situation.conf.stopped,
        }
        if blocked == self._logged or not any({**blocked, **self._logged}.values()):
            return
        waiting = wait_reasons.count(situation)
        for reason, held in blocked.items():
            self._log_change(reason, held and waiting[reason] > 0, waiting[reason], situation)

    def _log_change(self, reason: WaitReason, held: bool, waiting: int, situation: StartConditions) -> None:
        if held == self._logged.get(reason, False):
            return
        self._logged[reason] = held
        runs = f"{waiting} run waits" if waiting == 1 else f"{waiting} runs wait"
        log.info("%s", f"{HELD[reason](situation)}: {runs}." if held else FREE[reason])


HELD: dict[WaitReason, Callable[[StartConditions], str]] = {
    WaitReason.SLOT: lambda at: f"The cap of {at.conf.max_concurrent} is full",
    WaitReason.CHAT: lambda at: (
        f"Scheduled work is deferred for chat, {at.conf.chat_pressure_max_delay_sec} s at most"
        f" ({at.live_streams} streaming)"
    ),
    WaitReason.STOPPED: lambda at: "Scheduled work is stopped in Settings",
}
FREE = {
    WaitReason.SLOT: "No run waits for the cap any more.",
    WaitReason.CHAT: "Scheduled work is not deferred for chat any more.",
    WaitReason.STOPPED: "Scheduled work is not stopped any more.",
}
