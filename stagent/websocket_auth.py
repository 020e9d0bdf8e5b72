"""Authenticates WebSockets: a user by the session of our page, or a program by token.

A browser sends the session cookie from any page, so the page's origin must be ours, host and port; a token
needs no origin.
"""

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from channels.auth import AuthMiddlewareStack, get_user
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import URLRouter
from django.conf import settings
from django.contrib.auth.models import User
from django.http import parse_cookie
from django.urls import re_path
from django.utils.http import is_same_domain

from chat.routing import websocket_urlpatterns
from stagent.api.auth import authenticate
from stagent.lib import clock
from stagent.lib.db.async_db import db_sync_to_async

type Scope = dict[str, Any]


class WebSocketAuth:
    """Token or session, as in the API."""

    def __init__(self) -> None:
        routes = URLRouter([*websocket_urlpatterns, re_path("", RefusedConsumer.as_asgi())])
        self._by_token: Any = routes
        self._by_session: Any = AuthMiddlewareStack(routes)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            known = _by_token(token.strip())
            scope = {**scope, "user": await known(), "still_valid": _is_active(known)}
            await self._by_token(scope, receive, send)
        elif is_ours(headers.get("origin", ""), headers.get("host", "")):
            await self._by_session({**scope, "still_valid": _is_active(_by_session(headers))}, receive, send)
        else:
            await RefusedConsumer()(scope, receive, send)


class RefusedConsumer(AsyncWebsocketConsumer):
    """Refuses a foreign page or missing credentials before the handshake ends."""

    async def connect(self) -> None:
        await self.close()


def is_ours(origin: str, host: str) -> bool:
    """Return whether an origin is ours or trusted; an empty one is not a page."""
    try:
        scheme, page = urlsplit(origin.lower())[:2]
    except ValueError:  # a bracket that is not closed, for one
        return False
    if host and page == host.lower():
        return True
    trusted = [urlsplit(each) for each in settings.CSRF_TRUSTED_ORIGINS]
    return any(scheme == each.scheme and is_same_domain(page, each.netloc.lstrip("*")) for each in trusted)


def _by_token(token: str) -> Callable[[], Awaitable[User | None]]:
    async def known() -> User | None:
        return await db_sync_to_async(lambda: authenticate(token, now=clock.now()))

    return known


def _by_session(headers: dict[str, str]) -> Callable[[], Awaitable[User | None]]:
    """Load the session's user again: signed out, expired, or password changed."""
    store = import_module(settings.SESSION_ENGINE).SessionStore

    async def known() -> User | None:
        # As Django reads it: the cookies of others on this host may be anything.
        key = parse_cookie(headers.get("cookie", "")).get(settings.SESSION_COOKIE_NAME)
        user = await get_user({"session": store(key)}) if key else None
        return user if isinstance(user, User) else None

    return known


def _is_active(known: Callable[[], Awaitable[User | None]]) -> Callable[[], Awaitable[bool]]:
    async def still_valid() -> bool:
        user = await known()
        return user is not None and user.is_active

    return still_valid
