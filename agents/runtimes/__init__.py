"""Runtimes: one package for each way to call a provider, found by name."""

from functools import cache

from agents.runtimes.base import Runtime, UnknownRuntime, close_all, get, names, register
from stagent.lib.processes.gc_tuning import freeze_gc

__all__ = [
    "Runtime",
    "UnknownRuntime",
    "close_all",
    "get",
    "is_preloaded",
    "names",
    "preload_sdk",
    "register",
]


@cache
def preload_sdk() -> None:
    """Import the SDK, which takes seconds, in a thread before the first request would block an event loop."""
    from anthropic import AsyncAnthropic

    _ = AsyncAnthropic(api_key="unused").messages.stream
    freeze_gc()


def is_preloaded() -> bool:
    return preload_sdk.cache_info().currsize > 0
