"""What the engine asks of a runtime, and the registry that finds one by name."""

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
    """One question to the model."""

    model: str
    system: str
    messages: list[Message]
    tools: list[dict[str, Any]]
    max_tokens: int
    effort: str = ""
    may_call: bool = True  # False: the tools are shown, for the cache's sake, but must not be called


@dataclass(frozen=True)
class Delta:
    """A bit of a reply as it comes."""

    text: str
    thinking: bool = False


class ModelCall(Protocol):
    """A question under way."""

    def __aiter__(self) -> AsyncIterator[Delta]:
        """Yield what the model says, bit by bit; an empty bit says that it has begun."""

    def so_far(self) -> Reply | None:
        """Return the reply as far as it came; None before it began."""


class Runtime(Protocol):
    """Talks to one provider."""

    name: str

    def provider_name(self) -> str:
        """Name the provider: what breaker, prices and ledger go by. Quick, nothing is imported for it."""

    def ask(self, request: Request) -> AbstractAsyncContextManager[ModelCall]:
        """Put a question; leaving the context closes the connection at once."""

    async def close(self) -> None:
        """Close what the running event loop has open."""


_runtimes: dict[str, Runtime] = {}


def register(runtime: Runtime) -> None:
    """Add a runtime; a later one of the same name replaces it."""
    _runtimes[runtime.name] = runtime


def get(name: str) -> Runtime:
    """Find a runtime by its name; raise UnknownRuntime."""
    try:
        return _runtimes[name]
    except KeyError:
        raise UnknownRuntime(f"There is no runtime {name!r}; known are {', '.join(names())}.") from None


def names() -> list[str]:
    return sorted(_runtimes)


async def close_all() -> None:
    """Close the connections of the running event loop, which is about to end."""
    for runtime in _runtimes.values():
        await runtime.close()
