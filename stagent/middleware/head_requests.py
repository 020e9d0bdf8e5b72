"""HEAD of the API is answered like GET; the server, who knows what was asked, leaves the body out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from stagent.middleware.etags import PREFIX


@sync_and_async_middleware
def head_requests(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Let a HEAD go on as the GET that it asks about."""
    if iscoroutinefunction(get_response):

        async def later(request: HttpRequest) -> HttpResponseBase:
            with _as_get(request):
                answer: HttpResponseBase = await get_response(request)
            return answer

        return later

    def now(request: HttpRequest) -> HttpResponseBase:
        with _as_get(request):
            answer: HttpResponseBase = get_response(request)
        return answer

    return now


@contextmanager
def _as_get(request: HttpRequest) -> Iterator[None]:
    asked = request.method
    if asked == "HEAD" and request.path_info.startswith(PREFIX):
        request.method = "GET"
    yield
    request.method = asked
