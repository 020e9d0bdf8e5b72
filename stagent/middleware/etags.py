"""What is polled is sent once: GET answers of the API carry an ETag, and If-None-Match gets a 304 for it.

That saves the transfer, not the query. A view whose answer differs each time in fields that nobody polls for
names what its ETag covers (`stagent.lib.api.etags`). The ETag of a row that PATCH changes begins with the
row's version, on GET and on PATCH: If-Match compares that (`stagent.lib.api.versions`).
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.decorators import sync_and_async_middleware

from stagent.lib.api.etags import representation_of, version_in
from stagent.lib.api.versions import SEPARATOR

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
    etag = _etag(request, response.content)
    response.headers["ETag"] = etag
    if request.method != "GET":
        return response
    response.headers.setdefault("Cache-Control", "private, no-cache")  # ask again each time
    patch_vary_headers(response, ("Authorization", "Cookie"))
    return get_conditional_response(request, etag=etag, response=response) or response


def _etag(request: HttpRequest, content: bytes) -> str:
    version = version_in(request)
    shown = blake2b(representation_of(request) or content, digest_size=16).hexdigest()
    return f'"{version}{SEPARATOR if version else ""}{shown}"'


def _is_answer(request: HttpRequest, response: HttpResponseBase) -> bool:
    return (
        (request.method == "GET" or bool(version_in(request)))
        and request.path_info.startswith(PREFIX)
        and response.status_code == 200
        and not response.streaming
        and response.headers.get("Content-Type", "").startswith("application/json")
    )
