"""Pages and programs at the socket, through its real doors; what they hear is kept in order."""

import asyncio
import json
from typing import Any, Self

from channels.routing import ProtocolTypeRouter
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from stagent.lib import clock
from stagent.models import ApiToken
from stagent.websocket_auth import WebSocketAuth
from tests.support.waiting import PATIENCE_SEC

type Frame = dict[str, Any]
HOME = "http://testserver"


def by_session(user: User, origin: str | None = HOME) -> dict[str, str]:
    """Return the headers of a page of somebody who signed in."""
    client = Client()
    client.force_login(user)
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    return {"cookie": cookie} | ({} if origin is None else {"origin": origin})


def by_token(user: User) -> dict[str, str]:
    """Return the headers of a program that works for somebody."""
    return {"authorization": f"Bearer {ApiToken.objects.issue(user, 'socket', now=clock.now())[1]}"}


class Socket:
    """One connection. `frames` is all it has heard; `code` why it was closed."""

    def __init__(self, headers: dict[str, str], host: str = "testserver", path: str = "/ws/chat/") -> None:
        sent = [(name.encode(), value.encode()) for name, value in ({"host": host} | headers).items()]
        application = ProtocolTypeRouter({"websocket": WebSocketAuth()})
        self._link = WebsocketCommunicator(application, path, headers=sent)
        self.frames: list[Frame] = []
        self.accepted = False
        self.code: int | None = None

    async def __aenter__(self) -> Self:
        self.accepted, self.code = await self._link.connect(timeout=PATIENCE_SEC)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._link.disconnect(timeout=PATIENCE_SEC)

    async def says(self, kind: str, **more: Any) -> None:
        await self.sends(json.dumps({"type": kind, **more}))

    async def sends(self, text: str | bytes) -> None:
        """Send this as it is."""
        if isinstance(text, str):
            await self._link.send_to(text_data=text)
        else:
            await self._link.send_to(bytes_data=text)

    async def hears(self, kind: str, **fields: Any) -> Frame:
        """Return the next frame like this, and keep those before it."""
        while True:
            frame = await self._next()
            assert frame is not None, f"closed with {self.code} while it waited for {kind}: {self.frames}"
            if frame["type"] == kind and fields.items() <= frame.items():
                return frame

    async def hears_something(self) -> Frame:
        """Return the next frame."""
        frame = await self._next()
        assert frame is not None, f"closed with {self.code}"
        return frame

    async def is_closed(self) -> int | None:
        """Wait for the end, and return its code."""
        while await self._next() is not None:
            pass
        return self.code

    async def asks(self, text: str, client_msg_id: str = "a", **more: Any) -> Frame:
        """Say something, and return where it is."""
        await self.says("send", text=text, client_msg_id=client_msg_id, **more)
        return await self.hears("accepted", client_msg_id=client_msg_id)

    def of(self, message_id: str) -> list[Frame]:
        """Return what it heard of a reply."""
        mine = [frame for frame in self.frames if frame.get("message_id") == message_id]
        return [frame for frame in mine if "seq" in frame and frame["type"] != "feed"]

    async def _next(self) -> Frame | None:
        if self.code is not None:
            return None
        async with asyncio.timeout(PATIENCE_SEC):
            event = await self._link.receive_output(PATIENCE_SEC)
        if event["type"] == "websocket.close":
            self.code = event.get("code")
            return None
        frame: Frame = json.loads(event["text"])
        self.frames.append(frame)
        return frame


def join_text(frames: list[Frame]) -> str:
    """Return the text that a client shows after these frames; fails where one is missing."""
    text, seen = "", 0
    for frame in frames:
        if frame["type"] == "snapshot":
            text, seen = frame["text"], frame["seq"]
        elif frame["seq"] > seen:
            assert frame["seq"] == seen + 1, f"a gap before {frame}"
            seen = frame["seq"]
            text += frame["text"] if frame["type"] == "delta" else ""
    return text
