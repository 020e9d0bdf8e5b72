"""Notifies open pages and the reply worker that the database has new events for a user. It carries no data.

Listeners of this process are called at once. Other processes are reached through the channel layer if it is
Redis; a page that misses a message polls the database a little later.
"""

import asyncio
import logging
import threading
from collections.abc import Callable

from channels.layers import InMemoryChannelLayer, get_channel_layer

from stagent.lib.processes.outage import Outage
from stagent.lib.processes.supervised_task import Watched
from stagent.lib.processes.supervisor import SUPERVISOR

log = logging.getLogger(__name__)

_listeners: list[Callable[[], None]] = []
_workers: list[Callable[[], None]] = []
_lock = threading.Lock()
_unsent: set[int] = set()  # user ids to send to other processes
_sending = asyncio.Lock()  # used on the sender's loop


def subscribe(listener: Callable[[], None]) -> None:
    """Call `listener` after each change; from any thread."""
    with _lock:
        _listeners.append(listener)


def on_work(listener: Callable[[], None]) -> None:
    """Call `listener` whenever there is work for the reply worker; from any thread."""
    with _lock:
        _workers.append(listener)


def unsubscribe(listener: Callable[[], None]) -> None:
    """Stop calling `listener`."""
    with _lock:
        for listeners in (_listeners, _workers):
            if listener in listeners:
                listeners.remove(listener)


def group_of(owner_id: int) -> str:
    """Return the channel layer's group of a user's sockets."""
    return f"chat.{owner_id}"


def notify_worker(owner_id: int) -> None:
    """Notify the reply worker and the pages of a user. Call it after the commit, from any thread."""
    for listener in _copy(_workers):
        listener()
    publish(owner_id)


def publish(owner_id: int) -> None:
    """Notify the pages of a user. Call it after the commit, from any thread."""
    publish_here()
    if _is_shared():
        _publish_elsewhere(owner_id)


def publish_here() -> None:
    """Notify the pages of this process only; from any thread."""
    for listener in _copy(_listeners):
        listener()


def _copy(listeners: list[Callable[[], None]]) -> list[Callable[[], None]]:
    with _lock:
        return list(listeners)


def _is_shared() -> bool:
    return not isinstance(get_channel_layer(), InMemoryChannelLayer)


def _publish_elsewhere(owner_id: int) -> None:
    """Notify other processes. Calls during a send are collected, one for each user."""
    loop = _sender_loop()
    with _lock:
        is_first = not _unsent
        _unsent.add(owner_id)
    if is_first:
        loop.call_soon_threadsafe(lambda: asyncio.ensure_future(_send_all()))


async def _send_all() -> None:
    async with _sending:
        with _lock:
            owners = list(_unsent)
            _unsent.clear()
        for owner_id in owners:
            await _send(owner_id)


async def _send(owner_id: int) -> None:
    layer = get_channel_layer()
    try:
        await layer.group_send(group_of(owner_id), {"type": "news"})
    except Exception as error:  # noqa: BLE001 - Redis is away: pages poll
        _outage.failed(error)
    else:
        _outage.worked()


_outage = Outage(log, "Waking pages of other processes through Redis")
_loop: asyncio.AbstractEventLoop | None = None


def _run_sender(_: Watched) -> None:
    assert _loop
    _loop.run_forever()


def _sender_loop() -> asyncio.AbstractEventLoop:
    """Return the loop that uses Redis, in its own thread: a connection belongs to one loop."""
    global _loop  # noqa: PLW0603 - one for the process
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            sender = SUPERVISOR.thread("broadcast sender", _run_sender)
            sender.follow_loop(_loop)
            sender.start()
        return _loop
