"""The interface of runtimes, and their registry."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from agents.protocol.reply import Reply

type Message = dict[str, Any]


class UnknownRuntime(Exception):
    """A profile names a runtime that is not installed."""


@dataclass(frozen=True)
class Request:
    """One request to the model."""

    model: str
    system: str
    messages: list[Message]
    tools: list[dict[str, Any]]
    max_tokens: int
    effort: str = ""
    can_call_tools: bool = (
        True  # False: the tools are listed, to keep the cached prefix, but must not be called
    )


@dataclass(frozen=True)
class Delta:
    """A piece of a streamed reply."""

    text: str
    thinking: bool = False


class ModelCall(Protocol):
    """An open model call."""

    def __aiter__(self) -> AsyncIterator[Delta]:
        """Yield the reply in pieces; an empty first piece marks its start."""

    def so_far(self) -> Reply | None:
        """Return the reply received so far; None before it started."""


class Runtime(Protocol):
    """Calls one provider."""

    name: str

    def provider_name(self) -> str:
        """Return the provider's name in the breaker, prices and ledger. Fast: imports nothing."""

    def ask(self, request: Request) -> AbstractAsyncContextManager[ModelCall]:
        """Send a request; leaving the context closes the connection at once."""

    async def close(self) -> None:
        """Close the connections of the running event loop."""


_runtimes: dict[str, Runtime] = {}


def register(runtime: Runtime) -> None:
    """Add a runtime; it replaces an earlier one of the same name."""
    _runtimes[runtime.name] = runtime


def get(name: str) -> Runtime:
    """Return a runtime by name; raise `UnknownRuntime`."""
    try:
        return _runtimes[name]
    except KeyError:
        raise UnknownRuntime(f"There is no runtime {name!r}; known are {', '.join(names())}.") from None


def names() -> list[str]:
    return sorted(_runtimes)


async def close_all() -> None:
    """Close the connections of the running event loop before it ends."""
    for runtime in _runtimes.values():
        await runtime.close()
