"""The door: takes the SDK's HTTP requests and answers them like a Messages-API server.

AsyncAnthropic(
    api_key="offline",
    http_client=DefaultAsyncHttpxClient(transport=OfflineTransport()),
    max_retries=0,
)
"""

import asyncio
import hashlib
from collections import Counter
from typing import Any

import httpx2

from agents.offline import model
from agents.offline import request as asking
from agents.offline.directives import Orders, orders_in
from agents.offline.failures import ORDERED, STATUS_OF, ApiFailure, refuse_if_ordered
from agents.offline.model import reply_to
from agents.offline.pacing import EventStream, Pacing, Sleep, broken, deliver
from agents.offline.reply import OfflineReply, message
from agents.offline.request import OfflineRequest
from agents.offline.sse import WORDS_PER_DELTA, events
from agents.offline.validation import BadRequest

MODELS = "/v1/models"


class OfflineTransport(httpx2.AsyncBaseTransport):
    """A Messages-API server without a socket.

    It remembers one thing only: how many requests a conversation with a directive has made.
    """

    def __init__(self, *, sleep: Sleep = asyncio.sleep) -> None:
        self._sleep = sleep
        self._requests: Counter[str] = Counter()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        body = await request.aread()
        ident = f"req_offline_{hashlib.sha256(request.url.raw_path + body).hexdigest()[:24]}"
        try:
            response = await self._route(request, body)
        except BadRequest as problem:
            response = failed(ApiFailure(400, str(problem)), ident)
        except ApiFailure as failure:
            response = failed(failure, ident)
        response.headers["request-id"] = ident
        return response

    async def _route(self, request: httpx2.Request, body: bytes) -> httpx2.Response:
        """Find who answers."""
        path = request.url.path
        if request.method == "POST" and path == "/v1/messages":
            return await self._messages(asking.read(body), patience(request, self._sleep))
        if request.method == "POST" and path == "/v1/messages/count_tokens":
            return ok({"input_tokens": asking.read(body, counting=True).input_tokens})
        if request.method == "GET" and path == MODELS:
            return ok(model.page())
        if request.method == "GET" and path.startswith(f"{MODELS}/"):
            return ok(model.info(path.removeprefix(f"{MODELS}/")))
        raise ApiFailure(404, f"Not found: {request.method} {path}")

    async def _messages(self, ask: OfflineRequest, patience: Pacing) -> httpx2.Response:
        """Answer a request for a message, in one piece or as a stream."""
        orders = self._orders(ask)
        if orders.hang:
            await patience.hang()
        reply = reply_to(ask, orders)
        if ask.stream:
            return streamed(ask, reply, orders, patience)
        await whole(reply, orders, patience)
        return ok(message(ask, reply))

    def _orders(self, ask: OfflineRequest) -> Orders:
        """Read what this request is to suffer, and refuse it if that is it."""
        orders = orders_in(ask.system, ask.text)
        if not orders.given:
            return orders
        key = f"{orders.run} {ask.conversation}"
        self._requests[key] += 1
        served = self._requests[key] - orders.rate_limits - orders.overloads
        in_force = orders.at_request(ask.turn, served)
        refuse_if_ordered(in_force, self._requests[key])
        return in_force


def patience(request: httpx2.Request, sleep: Sleep) -> Pacing:
    """Take over the client's read timeout, which a real socket would keep."""
    return Pacing(sleep, request.extensions.get("timeout", {}).get("read"))


def ok(body: dict[str, Any]) -> httpx2.Response:
    """Answer with JSON."""
    return httpx2.Response(200, json=body)


def failed(failure: ApiFailure, ident: str) -> httpx2.Response:
    """Answer with an error."""
    return httpx2.Response(failure.status, json=failure.body(ident), headers=failure.headers)


def streamed(ask: OfflineRequest, reply: OfflineReply, orders: Orders, patience: Pacing) -> httpx2.Response:
    """Answer with a stream of events."""
    stream = events(message(ask, reply), reply, 1 if orders.one_by_one else WORDS_PER_DELTA)
    headers = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
    return httpx2.Response(200, headers=headers, stream=EventStream(deliver(stream, orders, patience)))


async def whole(reply: OfflineReply, orders: Orders, patience: Pacing) -> None:
    """Let a reply in one piece take as long, and go as wrong, as its stream would have."""
    if orders.stall is not None:
        await patience.hang()
    if orders.cut is not None or orders.drop is not None:
        raise broken()
    if orders.stream_error:
        raise ApiFailure(STATUS_OF[orders.stream_error], ORDERED)
    await patience.wait(orders.first_token + orders.delay * reply.tokens)
