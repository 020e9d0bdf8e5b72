"""Polls the event logs once for all sockets of a process and fans the events out to them.

A broadcast wakes it; without one it polls every quarter of a second while a reply streams, else every two
seconds. After each poll it pauses for as long as the poll and the sending took: half of the time is left to
others, and under load each poll brings more events.
"""

import asyncio
import logging
import time
import weakref
from contextlib import suppress

from chat.feed import broadcast
from chat.feed.queries import Row, events_after, newest
from chat.realtime.subscriptions import Subscription
from stagent.lib.db.async_db import db_sync_to_async
from stagent.lib.processes.supervised_task import Watched
from stagent.lib.processes.supervisor import SUPERVISOR

POLL_BUSY_SEC, POLL_IDLE_SEC = 0.25, 2.0
MOST_ROWS = 5000

log = logging.getLogger(__name__)


class Hub:
    """One for each event loop that has sockets."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._subscriptions: set[Subscription] = set()
        self._wakeup = asyncio.Event()
        self._is_watching = False
        self._watching = SUPERVISOR.task("chat tails", self._watch, stuck_sec=90, logger=log)

    def subscribe(self, subscription: Subscription) -> None:
        """Deliver events to a socket from now on."""
        self._subscriptions.add(subscription)
        if not self._is_watching:
            self._is_watching = True
            self._watching.start(self._loop)
        self._wakeup.set()

    def unsubscribe(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)
        self._wakeup.set()

    def count(self, owner_id: int) -> int:
        """Count a user's sockets in this process."""
        return sum(subscription.owner_id == owner_id for subscription in self._subscriptions)

    def wake(self) -> None:
        """Poll now; from any thread."""
        if self._wakeup.is_set():
            return  # a poll is due already
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._wakeup.set)

    async def _watch(self, watched: Watched) -> None:
        broadcast.subscribe(self.wake)
        try:
            while self._subscriptions:
                await self._wait()
                began_at = time.monotonic()
                if not await self._poll(watched):
                    await asyncio.sleep(1)
                await asyncio.sleep(0)  # let the sockets send
                await asyncio.sleep(min(time.monotonic() - began_at, POLL_BUSY_SEC))
            watched.stop()  # no subscriptions: ends in order, so that the next one starts it at once
            self._is_watching = False
        finally:
            broadcast.unsubscribe(self.wake)

    async def _wait(self) -> None:
        busy = any(subscription.follows for subscription in self._subscriptions)
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_BUSY_SEC if busy else POLL_IDLE_SEC):
                await self._wakeup.wait()
        self._wakeup.clear()

    async def _poll(self, watched: Watched) -> bool:
        """Deliver new events; return False if the database did not answer."""
        positions: dict[int, int] = {}
        for subscription in self._subscriptions:
            for log_id, seen in subscription.positions():
                positions[log_id] = min(seen, positions.get(log_id, seen))
        try:
            rows = await db_sync_to_async(_read_events, positions)
        except Exception as error:  # noqa: BLE001 - `failed` logs it; it is tried again
            watched.failed(error)
            return False
        watched.worked()
        self._deliver(rows)
        if rows:
            self._wakeup.set()  # a reply that was just announced can have its first words already
        return True

    def _deliver(self, rows: list[Row]) -> None:
        subscribers: dict[int, list[Subscription]] = {}
        for subscription in self._subscriptions:
            for log_id, _ in subscription.positions():
                subscribers.setdefault(log_id, []).append(subscription)
        for row in rows:
            for subscription in subscribers.get(row[0], ()):
                subscription.take(row)


def _read_events(positions: dict[int, int]) -> list[Row]:
    if not positions:
        return []
    last = newest(list(positions))
    behind = {log: seen for log, seen in positions.items() if last.get(log, 0) > seen}
    return events_after(behind, MOST_ROWS) if behind else []


_hubs: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = weakref.WeakKeyDictionary()


def here() -> Hub:
    """Return the hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]
