"""Skills as scripts: a generator that yields tool calls, receives their results and returns the answer.

A script is replayed from the start on every request with the results in the conversation, so it needs no
state between turns.
"""

from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import Any

from agents.offline.history import Result, Step


@dataclass(frozen=True)
class Call:
    """A tool call to make, and the text that the model writes before it."""

    name: str
    input: dict[str, Any] = field(default_factory=dict)
    text_before: str = ""


type Steps[Returned] = Generator[Call | list[Call], Any, Returned]
type Script = Steps[str]


def play(script: Script | str, steps: Iterable[Step], offered: Iterable[str]) -> list[Call] | str:
    """Replay a script with the steps taken; return its next calls, or its answer."""
    if isinstance(script, str):
        return script
    past, tool_names = deque(steps), set(offered)
    try:
        requested = next(script)
        while True:
            calls = [requested] if isinstance(requested, Call) else requested
            results = recorded_results(calls, past, tool_names)
            if results is None:
                return calls
            requested = script.send(results[0] if isinstance(requested, Call) else results)
    except StopIteration as end:
        return str(end.value)


def recorded_results(calls: list[Call], past: deque[Step], offered: set[str]) -> list[Result] | None:
    """Return the recorded results of these calls, or None if they have not been made."""
    if not all(call.name in offered for call in calls):
        return [not_offered(call) for call in calls]
    names = [call.name for call in calls]
    while past:  # other steps were made by another model, before a switch to this one
        step = past.popleft()
        if step.names == names:
            return step.results
    return None


def not_offered(call: Call) -> Result:
    return Result(f"the tool `{call.name}` is not offered here", is_error=True)
