"""The socket of the chat page and of programs: takes short requests, tails the log, generates nothing.

No handler waits for an agent: a stop would only be heard when the answer is over.
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
from stagent.lib.db.from_async import db_sync_to_async
from stagent.lib.problems import Problem
from stagent.lib.text import clip

OVER = 4401  # the session is over
TOO_MANY = 4429
FAULT = 1011  # of ours, as the protocol numbers it
HEARTBEAT_SEC = 15
CHECK_SEC = 10.0  # how often the session of a page that asks for nothing is looked at
ASKING = {"hello", "send", "retry", "stop"}  # for these it is looked at each time
EPOCH = secrets.token_hex(4)  # changes with the process: a client that sees another one says hello anew

log = logging.getLogger("stagent.websocket_auth")


class ChatConsumer(AsyncWebsocketConsumer):
    """One open page or program. `scope` brings the user and `still_valid`, an async question."""

    tail: Subscription | None = None

    async def connect(self) -> None:
        await self.accept()
        user = self.scope.get("user")
        if not isinstance(user, User) or not user.is_active:
            return await self._refuse(OVER, "not_authenticated", "Sign in first.")
        log_id, seen = await db_sync_to_async(resume.feed_cursor, user)
        # Counted without a pause before it joins: several that come at once are several.
        if hub.here().count(user.pk) >= conf.MAX_SOCKETS_PER_USER:
            return await self._refuse(TOO_MANY, "too_many_sockets", "Too many pages are open.")
        self.user = user
        self._allowance, self._filled_at = float(conf.MAX_FRAMES_PER_SEC), time.monotonic()
        self._outgoing: asyncio.Queue[Frame] = asyncio.Queue()
        self._held: list[Frame] | None = None
        self.tail = Subscription(user.pk, log_id, seen, self._pass_on)
        works = (self._write, self._look_after_session)
        self._tasks = [asyncio.create_task(self._or_close(work)) for work in works]
        self._say(self._welcome())
        hub.here().subscribe(self.tail)
        if self._is_shared():
            with suppress(Exception):  # Redis is away: the hub looks by itself
                await self.channel_layer.group_add(broadcast.group_of(user.pk), self.channel_name)
        return None

    async def disconnect(self, code: int) -> None:
        if self.tail is None:
            return
        hub.here().unsubscribe(self.tail)
        for task in self._tasks:
            task.cancel()
        if self._is_shared():
            with suppress(Exception):
                await self.channel_layer.group_discard(broadcast.group_of(self.user.pk), self.channel_name)

    async def news(self, _: dict[str, Any]) -> None:
        """Hear the doorbell of another process."""
        hub.here().wake()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.tail is None:
            return
        frame = self._read(text_data)
        if frame is None:
            return
        try:
            await self._do(frame)
        except Problem as problem:
            more = {"fields": problem.fields} | _echo(frame)
            self._say(error(problem.code, problem.message, **more))
        except Exception:
            log.exception("The socket could not do what a frame asked for.")
            self._say(error("internal_error", "Something went wrong here; try again.", **_echo(frame)))

    def _read(self, text: str | None) -> dict[str, Any] | None:
        """Return a frame that may be acted on; what is wrong with any other is told."""
        try:
            frame = requests.read(text)
        except Problem as problem:
            self._say(error(problem.code, problem.message))
            return None
        if frame["type"] == "ack" or self._is_allowed():  # of acks there are as many as answers
            return frame
        self._say(error("rate_limited", "Too many requests at once; slow down.", **_echo(frame)))
        return None

    async def _do(self, frame: dict[str, Any]) -> None:
        if frame["type"] in ASKING and not await self.scope["still_valid"]():
            return await self._end()
        match frame["type"]:
            case "ping":
                self._say({"type": "pong"})
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
                self._say(
                    error("unknown_type", f"There is no frame of type {clip(other, 40)!r}.", **_echo(frame))
                )
        return None

    async def _accept(self, request: Callable[[User, dict[str, Any]], Frame], frame: dict[str, Any]) -> None:
        """Store what was said, and say so before the first word of the answer can be heard."""
        self._held = []
        try:
            accepted = await db_sync_to_async(request, self.user, frame)
            self._say(accepted)
        finally:
            held, self._held = self._held, None
            for each in held:
                self._say(each)
        if accepted["duplicate"]:
            await self._tell_again(requests.number(accepted["reply_id"]))

    async def _tell_again(self, reply_id: int) -> None:
        """Tell a reply from its beginning: who sent the words again knows nothing of it; it may be over."""
        assert self.tail is not None
        if any(each.message_id == reply_id for each in self.tail.follows.values()):
            return
        found = await db_sync_to_async(resume.cursors, self.user, {reply_id: 0})
        self._follow(place for place in found if place.message_id == reply_id)

    def _pass_on(self, frame: Frame) -> None:
        """Send what the log has to tell."""
        (self._outgoing.put_nowait if self._held is None else self._held.append)(frame)

    async def _hello(self, frame: dict[str, Any]) -> None:
        """Go on from what the client has seen."""
        assert self.tail is not None
        found = await db_sync_to_async(resume.cursors, self.user, requests.positions(frame))
        await self._go_back(frame.get("feed"))
        self._say(self._welcome())
        self._follow(found)

    def _follow(self, places: Iterable[Cursor]) -> None:
        assert self.tail is not None
        for place in places:
            if place.snapshot:
                self._say(place.snapshot)
            self.tail.follow(place.log, place.message_id, place.seen)
        hub.here().wake()

    async def _go_back(self, seen: Any) -> None:
        """Tell the news again that a client has missed; where it is gone, or too much, `welcome` says so."""
        assert self.tail is not None
        is_near = isinstance(seen, int) and 0 <= seen < self.tail.feed_seen <= seen + MOST_BACKLOG
        if is_near and await db_sync_to_async(resume.is_kept, self.tail.feed_log, seen):
            self.tail.feed_seen = seen

    async def _ack(self, frame: dict[str, Any]) -> None:
        assert self.tail is not None
        message_id, seq = requests.number(frame.get("message_id")), frame.get("seq")
        if not isinstance(seq, int) or not (slow := self.tail.ack(message_id, seq)):
            return
        if place := await db_sync_to_async(resume.resume, slow.message_id):
            assert place.snapshot is not None
            self._follow([place])
            self.tail.ack(place.message_id, place.seen)

    def _welcome(self) -> Frame:
        assert self.tail is not None
        return {
            "type": "welcome",
            "user": self.user.get_username(),
            "feed": self.tail.feed_seen,
            "epoch": EPOCH,
            "heartbeat_sec": HEARTBEAT_SEC,
        }

    def _say(self, frame: Frame) -> None:
        self._outgoing.put_nowait(frame)

    async def _or_close(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do a work of this socket; an error closes it, and the page connects anew."""
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - the client has gone, mostly
            log.info("A socket is closed: %s: %s", type(error).__name__, error)
            with suppress(Exception):
                await self.close(FAULT)

    async def _write(self) -> None:
        """Send frames in their order, one writer for all who have something to say."""
        while True:
            await self.send(json.dumps(await self._outgoing.get(), separators=(",", ":")))

    async def _look_after_session(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SEC)
            with suppress(Exception):  # the database is away: nobody is thrown out for that
                if not await self.scope["still_valid"]():
                    return await self._end()

    async def _end(self) -> None:
        await self._refuse(OVER, "session_over", "The session is over; sign in again.")

    async def _refuse(self, code: int, word: str, message: str) -> None:
        await self.send(json.dumps(error(word, message)))
        await self.close(code)

    def _is_allowed(self) -> bool:
        """Take one from an allowance that fills again as time goes by."""
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
    """Say which request is meant."""
    return {name: frame[name] for name in ("client_msg_id", "message_id") if name in frame}
