"""An httpx2 transport that answers the SDK's requests like a Messages API server.

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
from agents.offline.directives import Directive, parse_directives
from agents.offline.failures import REQUESTED_FAILURE, STATUS_OF, ApiFailure, raise_requested_failure
from agents.offline.model import generate_reply
from agents.offline.reply import OfflineReply, build_message
from agents.offline.request import OfflineRequest, parse_request
from agents.offline.response_stream import Delays, ResponseStream, Sleep, connection_error, stream_with_faults
from agents.offline.sse import WORDS_PER_DELTA, events
from agents.offline.validation import BadRequest

MODELS = "/v1/models"


class OfflineTransport(httpx2.AsyncBaseTransport):
    """A Messages API server without a socket.

    Its only state: the number of requests per conversation with a directive.
    """

    def __init__(self, *, sleep: Sleep = asyncio.sleep) -> None:
        self._sleep = sleep
        self._requests: Counter[str] = Counter()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        ident = f"req_offline_{hashlib.sha256(request.url.raw_path + body).hexdigest()[:24]}"
        try:
            response = await self._route(request, body)
        except BadRequest as problem:
            response = error_response(ApiFailure(400, str(problem)), ident)
        except ApiFailure as failure:
            response = error_response(failure, ident)
        response.headers["request-id"] = ident
        return response

    async def _route(self, request: httpx2.Request, body: bytes) -> httpx2.Response:
        path = request.url.path
        if request.method == "POST" and path == "/v1/messages":
            return await self._messages(parse_request(body), client_delays(request, self._sleep))
        if request.method == "POST" and path == "/v1/messages/count_tokens":
            return json_response({"input_tokens": parse_request(body, counting=True).input_tokens})
        if request.method == "GET" and path == MODELS:
            return json_response(model.model_list())
        if request.method == "GET" and path.startswith(f"{MODELS}/"):
            return json_response(model.model_info(path.removeprefix(f"{MODELS}/")))
        raise ApiFailure(404, f"Not found: {request.method} {path}")

    async def _messages(self, request: OfflineRequest, delays: Delays) -> httpx2.Response:
        """Respond to a message request, with or without streaming."""
        directive = self._directive(request)
        if directive.hang:
            await delays.hang()
        reply = generate_reply(request, directive)
        if request.stream:
            return streaming_response(request, reply, directive, delays)
        await apply_to_whole(reply, directive, delays)
        return json_response(build_message(request, reply))

    def _directive(self, request: OfflineRequest) -> Directive:
        """Parse the directive of this request; raise the failure that it requests."""
        directive = parse_directives(request.system, request.text)
        if not directive.is_set:
            return directive
        key = f"{directive.run} {request.conversation}"
        self._requests[key] += 1
        served = self._requests[key] - directive.rate_limits - directive.overloads
        effective = directive.effective_at(request.turn, served)
        raise_requested_failure(effective, self._requests[key])
        return effective


def client_delays(request: httpx2.Request, sleep: Sleep) -> Delays:
    """Return delays with the read timeout of the client, which a real socket would enforce."""
    return Delays(sleep, request.extensions.get("timeout", {}).get("read"))


def json_response(body: dict[str, Any]) -> httpx2.Response:
    return httpx2.Response(200, json=body)


def error_response(failure: ApiFailure, ident: str) -> httpx2.Response:
    return httpx2.Response(failure.status, json=failure.body(ident), headers=failure.headers)


def streaming_response(
    request: OfflineRequest, reply: OfflineReply, directive: Directive, delays: Delays
) -> httpx2.Response:
    stream = events(build_message(request, reply), reply, 1 if directive.per_token else WORDS_PER_DELTA)
    headers = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
    return httpx2.Response(
        200, headers=headers, stream=ResponseStream(stream_with_faults(stream, directive, delays))
    )


async def apply_to_whole(reply: OfflineReply, directive: Directive, delays: Delays) -> None:
    """Apply the delays and faults of a stream to a reply without streaming."""
    if directive.stall is not None:
        await delays.hang()
    if directive.cut is not None or directive.drop is not None:
        raise connection_error()
    if directive.stream_error:
        raise ApiFailure(STATUS_OF[directive.stream_error], REQUESTED_FAILURE)
    await delays.wait(directive.first_token + directive.delay * reply.tokens)
