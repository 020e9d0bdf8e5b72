"""Where all sockets of a process meet the log: one question to the database for all of them together.

Woken by the doorbell; looks by itself every quarter of a second while somebody is being answered, else
every two seconds. After a look it rests for as long as looking and sending took: half of the time is for
others, and the more there is to tell, the more of it comes together.
"""

import asyncio
import logging
import time
import weakref
from contextlib import suppress

from chat.feed import broadcast
from chat.feed.queries import Row, events_after, newest
from chat.realtime.subscriptions import Subscription
from stagent.lib.db.from_async import db_sync_to_async
from stagent.lib.processes.supervisor import SUPERVISOR
from stagent.lib.processes.watched import Watched

LOOK_BUSY_SEC, LOOK_IDLE_SEC = 0.25, 2.0
MOST_ROWS = 5000

log = logging.getLogger("stagent.hub")


class Hub:
    """One for each event loop that has sockets."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tails: set[Subscription] = set()
        self._bell = asyncio.Event()
        self._is_watching = False
        self._watching = SUPERVISOR.task("chat tails", self._watch, stuck_sec=90, logger=log)

    def subscribe(self, tail: Subscription) -> None:
        """Serve a socket from now on."""
        self._tails.add(tail)
        if not self._is_watching:
            self._is_watching = True
            self._watching.start(self._loop)
        self._bell.set()

    def unsubscribe(self, tail: Subscription) -> None:
        self._tails.discard(tail)
        self._bell.set()

    def count(self, owner_id: int) -> int:
        """Count a person's sockets in this process."""
        return sum(tail.owner_id == owner_id for tail in self._tails)

    def wake(self) -> None:
        """Look now; from any thread."""
        if self._bell.is_set():
            return  # it rings already, and whoever hears it looks after that
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._bell.set)

    async def _watch(self, watched: Watched) -> None:
        broadcast.subscribe(self.wake)
        try:
            while self._tails:
                await self._wait()
                began_at = time.monotonic()
                if not await self._look(watched):
                    await asyncio.sleep(1)
                await asyncio.sleep(0)  # the sockets send what they were handed
                await asyncio.sleep(min(time.monotonic() - began_at, LOOK_BUSY_SEC))
            watched.stop()  # nobody is served: ended in order, without a pause before the next may join
            self._is_watching = False
        finally:
            broadcast.unsubscribe(self.wake)

    async def _wait(self) -> None:
        busy = any(tail.follows for tail in self._tails)
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_BUSY_SEC if busy else LOOK_IDLE_SEC):
                await self._bell.wait()
        self._bell.clear()

    async def _look(self, watched: Watched) -> bool:
        """Hand everybody what is new for them; False when the database did not answer."""
        positions: dict[int, int] = {}
        for tail in self._tails:
            for where, seen in tail.positions():
                positions[where] = min(seen, positions.get(where, seen))
        try:
            rows = await db_sync_to_async(_news, positions)
        except Exception as error:  # noqa: BLE001 - told by `failed`; it is tried again
            watched.failed(error)
            return False
        watched.worked()
        self._hand_out(rows)
        if rows:
            self._bell.set()  # a reply that was just announced has its first words already
        return True

    def _hand_out(self, rows: list[Row]) -> None:
        wanting: dict[int, list[Subscription]] = {}
        for tail in self._tails:
            for where, _ in tail.positions():
                wanting.setdefault(where, []).append(tail)
        for row in rows:
            for tail in wanting.get(row[0], ()):
                tail.take(row)


def _news(positions: dict[int, int]) -> list[Row]:
    if not positions:
        return []
    last = newest(list(positions))
    behind = {where: seen for where, seen in positions.items() if last.get(where, 0) > seen}
    return events_after(behind, MOST_ROWS) if behind else []


_hubs: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = weakref.WeakKeyDictionary()


def here() -> Hub:
    """Return the hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]
