"""The WebSocket of the chat page and of API clients: takes short requests and sends the events of the log.

No handler waits for an agent: a stop must be handled while the reply streams.
"""

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import InMemoryChannelLayer
from django.contrib.auth.models import User

from chat import conf
from chat.feed import broadcast
from chat.feed.frames import Frame, error
from chat.realtime import hub, requests, resume
from chat.realtime.resume import Cursor
from chat.realtime.subscriptions import MOST_BACKLOG, Subscription
from stagent.lib.db.async_db import db_sync_to_async
from stagent.lib.problems import Problem
from stagent.lib.text import clip

# Close codes: 4000 and above are ours, 1011 is RFC 6455's "internal error".
SESSION_OVER, TOO_MANY_SOCKETS, INTERNAL_ERROR = 4401, 4429, 1011
HEARTBEAT_SEC = 15
CHECK_SEC = 10.0  # between checks of the session of an idle page
CHECKED = {"hello", "send", "retry", "stop"}  # frames before which the session is checked
EPOCH = secrets.token_hex(4)  # of this process: a client that sees another epoch sends hello again

log = logging.getLogger(__name__)


class ChatConsumer(AsyncWebsocketConsumer):
    """One open page or client. `scope` has the user and `still_valid`, an async check of the session."""

    subscription: Subscription | None = None

    async def connect(self) -> None:
        await self.accept()
        user = self.scope.get("user")
        if not isinstance(user, User) or not user.is_active:
            return await self._refuse(SESSION_OVER, "not_authenticated", "Sign in first.")
        log_id, seen = await db_sync_to_async(resume.feed_cursor, user)
        # No await between counting and subscribing, or sockets that open together would not count each other.
        if hub.here().count(user.pk) >= conf.MAX_SOCKETS_PER_USER:
            return await self._refuse(
                TOO_MANY_SOCKETS, "too_many_sockets", "Too many pages are open. Close one and try again."
            )
        self.user = user
        self._allowance, self._filled_at = float(conf.MAX_FRAMES_PER_SEC), time.monotonic()
        self._outgoing: asyncio.Queue[Frame] = asyncio.Queue()
        self._deferred: list[Frame] | None = None  # frames to send after `accepted`
        self.subscription = Subscription(user.pk, log_id, seen, self._send_event)
        work = (self._write, self._check_session)
        self._tasks = [asyncio.create_task(self._or_close(each)) for each in work]
        self._queue(self._welcome())
        hub.here().subscribe(self.subscription)
        if self._is_shared():
            with suppress(Exception):  # Redis is away: the hub polls
                await self.channel_layer.group_add(broadcast.group_of(user.pk), self.channel_name)
        return None

    async def disconnect(self, code: int) -> None:
        if self.subscription is None:
            return
        hub.here().unsubscribe(self.subscription)
        for task in self._tasks:
            task.cancel()
        if self._is_shared():
            with suppress(Exception):
                await self.channel_layer.group_discard(broadcast.group_of(self.user.pk), self.channel_name)

    async def news(self, _: dict[str, Any]) -> None:
        """Receive a broadcast of another process."""
        hub.here().wake()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.subscription is None:
            return
        frame = self._read(text_data)
        if frame is None:
            return
        try:
            await self._do(frame)
        except Problem as problem:
            more = {"fields": problem.fields} | _echo(frame)
            self._queue(error(problem.code, problem.message, **more))
        except Exception:
            log.exception("A frame of type %s failed.", frame["type"])
            self._queue(error("internal_error", "Something went wrong. Try again.", **_echo(frame)))

    def _read(self, text: str | None) -> dict[str, Any] | None:
        """Return a valid frame within the rate limit; send an error for any other."""
        try:
            frame = requests.read(text)
        except Problem as problem:
            self._queue(error(problem.code, problem.message))
            return None
        if frame["type"] == "ack" or self._is_allowed():  # there are as many acks as frames sent
            return frame
        self._queue(error("rate_limited", "Too many requests. Wait a second and try again.", **_echo(frame)))
        return None

    async def _do(self, frame: dict[str, Any]) -> None:
        if frame["type"] in CHECKED and not await self.scope["still_valid"]():
            return await self._end()
        match frame["type"]:
            case "ping":
                self._queue({"type": "pong"})
            case "hello":
                await self._hello(frame)
            case "ack":
                await self._ack(frame)
            case "send":
                await self._accept(requests.send, frame)
            case "retry":
                await self._accept(requests.retry, frame)
            case "stop":
                await db_sync_to_async(requests.stop, self.user, frame)
            case other:
                self._queue(
                    error("unknown_type", f"There is no frame of type {clip(other, 40)!r}.", **_echo(frame))
                )
        return None

    async def _accept(self, request: Callable[[User, dict[str, Any]], Frame], frame: dict[str, Any]) -> None:
        """Store a message, and send `accepted` before the first event of its reply."""
        self._deferred = []
        try:
            accepted = await db_sync_to_async(request, self.user, frame)
            self._queue(accepted)
        finally:
            deferred, self._deferred = self._deferred, None
            for each in deferred:
                self._queue(each)
        if accepted["duplicate"]:
            await self._replay(requests.number(accepted["reply_id"]))

    async def _replay(self, reply_id: int) -> None:
        """Send a reply from its beginning: a client that repeats a message has seen nothing of its reply."""
        assert self.subscription is not None
        if any(each.message_id == reply_id for each in self.subscription.follows.values()):
            return
        found = await db_sync_to_async(resume.cursors, self.user, {reply_id: 0})
        self._follow(cursor for cursor in found if cursor.message_id == reply_id)

    def _send_event(self, frame: Frame) -> None:
        (self._outgoing.put_nowait if self._deferred is None else self._deferred.append)(frame)

    async def _hello(self, frame: dict[str, Any]) -> None:
        """Continue from the positions that the client has seen."""
        assert self.subscription is not None
        found = await db_sync_to_async(resume.cursors, self.user, requests.positions(frame))
        await self._rewind_feed(frame.get("feed"))
        self._queue(self._welcome())
        self._follow(found)

    def _follow(self, cursors: Iterable[Cursor]) -> None:
        assert self.subscription is not None
        for cursor in cursors:
            if cursor.snapshot:
                self._queue(cursor.snapshot)
            self.subscription.follow(cursor.log, cursor.message_id, cursor.seen)
        hub.here().wake()

    async def _rewind_feed(self, seen: Any) -> None:
        """Repeat the feed events that a client has missed.

        If they are too many or deleted, `welcome` says so.
        """
        assert self.subscription is not None
        is_near = isinstance(seen, int) and 0 <= seen < self.subscription.feed_seen <= seen + MOST_BACKLOG
        if is_near and await db_sync_to_async(resume.is_stored, self.subscription.feed_log, seen):
            self.subscription.feed_seen = seen

    async def _ack(self, frame: dict[str, Any]) -> None:
        assert self.subscription is not None
        message_id, seq = requests.number(frame.get("message_id")), frame.get("seq")
        if not isinstance(seq, int) or not (slow := self.subscription.ack(message_id, seq)):
            return
        if cursor := await db_sync_to_async(resume.resume, slow.message_id):
            assert cursor.snapshot is not None
            self._follow([cursor])
            self.subscription.ack(cursor.message_id, cursor.seen)

    def _welcome(self) -> Frame:
        assert self.subscription is not None
        return {
            "type": "welcome",
            "user": self.user.get_username(),
            "feed": self.subscription.feed_seen,
            "epoch": EPOCH,
            "heartbeat_sec": HEARTBEAT_SEC,
        }

    def _queue(self, frame: Frame) -> None:
        self._outgoing.put_nowait(frame)

    async def _or_close(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run a task of this socket. An error closes the socket, and the page reconnects."""
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - mostly the client is gone
            log.info("Socket closed: %s: %s", type(error).__name__, error)
            with suppress(Exception):
                await self.close(INTERNAL_ERROR)

    async def _write(self) -> None:
        """Send queued frames in order; the only writer of this socket."""
        while True:
            await self.send(json.dumps(await self._outgoing.get(), separators=(",", ":")))

    async def _check_session(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SEC)
            with suppress(Exception):  # the database is away: that ends no session
                if not await self.scope["still_valid"]():
                    return await self._end()

    async def _end(self) -> None:
        await self._refuse(SESSION_OVER, "session_over", "Your session is over. Sign in again.")

    async def _refuse(self, code: int, error_code: str, message: str) -> None:
        await self.send(json.dumps(error(error_code, message)))
        await self.close(code)

    def _is_allowed(self) -> bool:
        """Take a token from this socket's bucket (token bucket, one second's worth of frames)."""
        now, most = time.monotonic(), float(conf.MAX_FRAMES_PER_SEC)
        self._allowance = min(most, self._allowance + (now - self._filled_at) * most)
        self._filled_at = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True

    def _is_shared(self) -> bool:
        return not isinstance(self.channel_layer, InMemoryChannelLayer)


def _echo(frame: dict[str, Any]) -> dict[str, Any]:
    """Return the ids that name the request."""
    return {name: frame[name] for name in ("client_msg_id", "message_id") if name in frame}
