"""What is polled is sent once: GET answers of the API carry an ETag, and If-None-Match gets a 304 for it.

That saves the sending and the reading, not the looking. A view whose answer differs each time in what nobody
would look again for says itself what it stands for (`stagent.lib.api.etags`).
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.decorators import sync_and_async_middleware

from stagent.lib.api.etags import said

PREFIX = "/api/"


@sync_and_async_middleware
def conditional_answers(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Give answers their ETag, or a 304 in their place."""
    if iscoroutinefunction(get_response):

        async def later(request: HttpRequest) -> HttpResponseBase:
            return _conditional(request, await get_response(request))

        return later
    return lambda request: _conditional(request, get_response(request))


def _conditional(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if not _is_answer(request, response):
        return response
    assert isinstance(response, HttpResponse)
    stands_for = said(request) or response.content
    etag = f'"{blake2b(stands_for, digest_size=16).hexdigest()}"'
    response.headers["ETag"] = etag
    response.headers.setdefault("Cache-Control", "private, no-cache")  # ask again each time
    patch_vary_headers(response, ("Authorization", "Cookie"))
    return get_conditional_response(request, etag=etag, response=response) or response


def _is_answer(request: HttpRequest, response: HttpResponseBase) -> bool:
    return (
        request.method == "GET"
        and request.path_info.startswith(PREFIX)
        and response.status_code == 200
        and not response.streaming
        and response.headers.get("Content-Type", "").startswith("application/json")
    )
