"""The doorbell: "there is news for this person", heard by every open page. It carries nothing.

Within a process it rings at once. Between processes it goes through the channel layer where that is
Redis; whoever misses it looks by itself a little later, for the database is the stream.
"""

import asyncio
import logging
import threading
from collections.abc import Callable

from channels.layers import InMemoryChannelLayer, get_channel_layer

from stagent.lib.processes.outage import Outage
from stagent.lib.processes.supervisor import SUPERVISOR
from stagent.lib.processes.watched import Watched

log = logging.getLogger("stagent.broadcast")

_listeners: list[Callable[[], None]] = []
_workers: list[Callable[[], None]] = []
_lock = threading.Lock()
_rung: set[int] = set()  # people whose bells are to be sent on
_sending = asyncio.Lock()  # of the courier's loop


def subscribe(listener: Callable[[], None]) -> None:
    """Call this, from any thread, whenever it rings in this process."""
    with _lock:
        _listeners.append(listener)


def on_work(listener: Callable[[], None]) -> None:
    """Call this, from any thread, whenever there is work for the desk."""
    with _lock:
        _workers.append(listener)


def unsubscribe(listener: Callable[[], None]) -> None:
    """Call this no more."""
    with _lock:
        for listeners in (_listeners, _workers):
            if listener in listeners:
                listeners.remove(listener)


def group_of(owner_id: int) -> str:
    """Name the group of the channel layer that a person's sockets belong to."""
    return f"chat.{owner_id}"


def notify_worker(owner_id: int) -> None:
    """Say that there is work for the desk, and news for this person; after the commit, from any thread."""
    for listener in _copy(_workers):
        listener()
    publish(owner_id)


def publish(owner_id: int) -> None:
    """Say that there is news for this person; after the commit, from any thread."""
    publish_here()
    if _is_shared():
        _ring_elsewhere(owner_id)


def publish_here() -> None:
    """Say in this process alone that there is news for somebody; from any thread."""
    for listener in _copy(_listeners):
        listener()


def _copy(listeners: list[Callable[[], None]]) -> list[Callable[[], None]]:
    with _lock:
        return list(listeners)


def _is_shared() -> bool:
    return not isinstance(get_channel_layer(), InMemoryChannelLayer)


def _ring_elsewhere(owner_id: int) -> None:
    """Send the bell on; while some are being sent, the next gather, one for each person."""
    loop = _courier()
    with _lock:
        is_first = not _rung
        _rung.add(owner_id)
    if is_first:
        loop.call_soon_threadsafe(lambda: asyncio.ensure_future(_send_all()))


async def _send_all() -> None:
    async with _sending:
        with _lock:
            owners = list(_rung)
            _rung.clear()
        for owner_id in owners:
            await _send(owner_id)


async def _send(owner_id: int) -> None:
    layer = get_channel_layer()
    try:
        await layer.group_send(group_of(owner_id), {"type": "news"})
    except Exception as error:  # noqa: BLE001 - Redis away: the slow look finds the news
        _outage.failed(error)
    else:
        _outage.worked()


_outage = Outage(log, "Waking pages of other processes through Redis")
_loop: asyncio.AbstractEventLoop | None = None


def _keep_ringing(_: Watched) -> None:
    assert _loop
    _loop.run_forever()


def _courier() -> asyncio.AbstractEventLoop:
    """Return the loop that talks to Redis, in a thread of its own: a connection belongs to one loop."""
    global _loop  # noqa: PLW0603 - one for the process
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            ringer = SUPERVISOR.thread("broadcast sender", _keep_ringing)
            ringer.follow(_loop)
            ringer.start()
        return _loop
