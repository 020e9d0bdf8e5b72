"""Probes come by address: a load balancer asks the machine, not a name that the install is known by."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware

PROBES = {"/healthz", "/readyz", "/metrics"}
NAME = "probe.invalid"


@sync_and_async_middleware
def probe_hosts(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Let a probe in whatever its Host header says. No answer to one repeats the name it was asked under."""
    if iscoroutinefunction(get_response):

        async def later(request: HttpRequest) -> Any:
            return await get_response(_unnamed(request))

        return later
    return lambda request: get_response(_unnamed(request))


def _unnamed(request: HttpRequest) -> HttpRequest:
    if request.path_info in PROBES:
        vars(request)["get_host"] = lambda: NAME
    return request
