"""Skills as scripts: a generator asks for tools, is sent their results, and returns its answer.

A script is played from its start on every request and sent the results that the conversation already
holds, so it reads top to bottom and needs no memory between turns.
"""

from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import Any

from agents.offline.history import Result, Step


@dataclass(frozen=True)
class Call:
    """A wish to call one tool; `saying` is what is said before it."""

    name: str
    input: dict[str, Any] = field(default_factory=dict)
    saying: str = ""


type Steps[Found] = Generator[Call | list[Call], Any, Found]
type Script = Steps[str]


def play(script: Script | str, steps: Iterable[Step], offered: Iterable[str]) -> list[Call] | str:
    """Replay a script over the steps taken; return the calls it asks for next, or its answer."""
    if isinstance(script, str):
        return script
    past, names = deque(steps), set(offered)
    try:
        wish = next(script)
        while True:
            calls = [wish] if isinstance(wish, Call) else wish
            results = answers(calls, past, names)
            if results is None:
                return calls
            wish = script.send(results[0] if isinstance(wish, Call) else results)
    except StopIteration as end:
        return str(end.value)


def answers(calls: list[Call], past: deque[Step], offered: set[str]) -> list[Result] | None:
    """Return the results of these calls, or None where they are yet to be made."""
    if not all(call.name in offered for call in calls):
        return [missing(call) for call in calls]
    wanted = [call.name for call in calls]
    while past:  # a step that does not fit was another model's, before it handed over to us
        step = past.popleft()
        if step.names == wanted:
            return step.results
    return None


def missing(call: Call) -> Result:
    """Say honestly that a tool is not there."""
    return Result(f"the tool `{call.name}` is not offered here", is_error=True)
