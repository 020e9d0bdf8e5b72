"""How the offline model is told to act up, for drills, tests and demos.

A directive is written into the last words of the user or into the system prompt:

    [[offline: turns=30 delay=50ms 429=2]]

In `backticks` it is quoted, not obeyed. An unknown key or a bad value is a plain 400 that names it. "Tokens"
are words here, streamed one to a delta. Where system prompt and user both give one, the user's keys win.

| key              | what happens                                                                           |
|------------------|----------------------------------------------------------------------------------------|
| turns=N          | N replies in all: each asks for a harmless tool with a new input, the last one answers |
| repeat=N         | the same with an identical call every time                                             |
| parallel=N       | every asking turn asks for N tools at once (turns=2 unless said otherwise)             |
| tool=NAME        | the tool those turns ask for, offered or not (turns=2 unless said otherwise)           |
| tool_error       | the first turn asks for a tool that does not exist, then it goes on                    |
| changed=yes, no  | calls `report` with this verdict, then answers                                         |
| tokens=N         | the answer is N tokens long, and its usage says N                                      |
| delay=50ms       | waits so long before every delta (ms, s, m; a bare number is seconds)                  |
| first_token=2s   | waits so long between the start of the message and its first token                     |
| 429=K            | 429 rate_limit_error for the first K requests of the conversation                      |
| retry_after=S    | the Retry-After of the 429 (default 1), and of the 529 where given                     |
| 529=K            | 529 overloaded_error for K requests, after the 429s                                    |
| cut=N            | the stream ends cleanly after N tokens: no message_delta, no stop_reason               |
| drop=N           | the connection breaks after N tokens (RemoteProtocolError)                             |
| stall=N          | the stream stays open after N tokens and nothing more comes                            |
| stream_error=X   | an error event: overloaded, api, rate_limit, timeout, billing or authentication        |
| after=N          | that error event comes after N tokens (default 0)                                      |
| hang             | no answer at all until the client gives up: it cancels, or its read timeout passes     |
| refusal          | stop_reason refusal with stop_details, nothing said                                    |
| empty            | stop_reason end_turn, nothing said                                                     |
| badkey           | 401 authentication_error                                                               |
| spend            | 429 with error_code enforced_spend_limit_reached                                       |
| fail=STATUS      | this status: 400 401 402 403 404 408 413 429 500 503 504 529                           |
| stop=REASON      | stop_reason of the answer (or of turn `at`): max_tokens, pause_turn, stop_sequence or  |
|                  | model_context_window_exceeded                                                          |
| at=N             | the troubles from cut to stop come at turn N only                                      |
| times=K          | they come in the first K requests of the conversation only                             |
| run=LABEL        | keeps a count of its own for 429, 529 and times                                        |

The turn is counted from the messages. The requests of a conversation are counted by the transport instance,
keyed by its first words, the number of prompts so far and `run`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from agents.offline.validation import BadRequest

DIRECTIVE = re.compile(r"(?<!`)\[\[offline:([^\[\]`]*)\]\]")

STATUSES = (400, 401, 402, 403, 404, 408, 413, 429, 500, 503, 504, 529)
STREAM_ERRORS = ("overloaded", "api", "rate_limit", "timeout", "billing", "authentication")
STOP_REASONS = ("max_tokens", "pause_turn", "stop_sequence", "model_context_window_exceeded")


@dataclass(frozen=True)
class Orders:
    """A directive, read. Everything empty is the well-behaved model."""

    turns: int = 0
    repeat: int = 0
    parallel: int = 0
    tool: str = ""
    tool_error: bool = False
    changed: bool | None = None
    tokens: int = 0
    delay: float = 0
    first_token: float = 0
    rate_limits: int = 0
    retry_after: float | None = None
    overloads: int = 0
    at: int = 0
    times: int = 0
    run: str = ""
    # the troubles, which `at` and `times` narrow down
    cut: int | None = None
    drop: int | None = None
    stall: int | None = None
    stream_error: str = ""
    after: int = 0
    hang: bool = False
    refusal: bool = False
    empty: bool = False
    badkey: bool = False
    spend: bool = False
    fail: int = 0
    stop: str = ""

    @property
    def given(self) -> bool:
        """Whether there is any order."""
        return self != Orders()

    @property
    def one_by_one(self) -> bool:
        """Whether tokens matter, so that each gets a delta of its own."""
        counted = (self.cut, self.drop, self.stall)
        return bool(self.tokens or self.delay or self.after) or any(count is not None for count in counted)

    def at_request(self, turn: int, count: int) -> "Orders":
        """Return what is in force at this turn, in the conversation's count-th request."""
        narrowed_out = (self.at and self.at != turn) or (self.times and count > self.times)
        return replace(self, **UNTROUBLED) if narrowed_out else self


TROUBLES = (
    "cut",
    "drop",
    "stall",
    "stream_error",
    "after",
    "hang",
    "refusal",
    "empty",
    "badkey",
    "spend",
    "fail",
    "stop",
)
UNTROUBLED: dict[str, Any] = {field.name: field.default for field in fields(Orders) if field.name in TROUBLES}
FIELDS = {"429": "rate_limits", "529": "overloads"}


def without_directives(text: str) -> str:
    """Return the words with the directives taken out."""
    return DIRECTIVE.sub("", text).strip()


def orders_in(*texts: str) -> Orders:
    """Read all directives of these texts, later ones winning; raise BadRequest for one that is wrong."""
    found: dict[str, Any] = {}
    for text in texts:
        for directive in DIRECTIVE.finditer(text):
            found |= dict(order(word) for word in directive[1].split())
    if "turns" in found and "repeat" in found:
        raise BadRequest("offline directive: turns and repeat exclude each other")
    return Orders(**found)


def order(word: str) -> tuple[str, Any]:
    """Read one key or key=value."""
    key, equals, value = word.partition("=")
    if key not in KEYS:
        raise BadRequest(f"offline directive: unknown key {key!r}; known are {', '.join(KEYS)}")
    try:
        return FIELDS.get(key, key), KEYS[key](value if equals else None)
    except (ValueError, TypeError):
        raise BadRequest(f"offline directive: bad value for {key!r}: {value!r}") from None


def number(least: int) -> Callable[[str | None], int]:
    """Make a reader of whole numbers from `least` to a million."""

    def read(value: str | None) -> int:
        if not re.fullmatch(r"\d{1,7}", value or "") or not least <= int(value or "") <= 1_000_000:
            raise ValueError(value)
        return int(value or "")

    return read


def duration(value: str | None) -> float:
    """Read seconds from 50ms, 2s, 1.5m or a bare number of seconds."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)(ms|s|m|)", value or "")
    if not match:
        raise ValueError(value)
    return float(match[1]) * {"ms": 0.001, "s": 1, "m": 60, "": 1}[match[2]]


def flag(value: str | None) -> bool:
    """Read a key that stands alone."""
    if value is not None:
        raise ValueError(value)
    return True


def one_of(*words: str) -> Callable[[str | None], str]:
    """Make a reader of one of these words."""

    def read(value: str | None) -> str:
        if value not in words:
            raise ValueError(value)
        return value

    return read


def label(value: str | None) -> str:
    """Read a name."""
    if not re.fullmatch(r"[\w.-]{1,128}", value or ""):
        raise ValueError(value)
    return value or ""


def yes_or_no(value: str | None) -> bool:
    """Read a verdict."""
    return {"yes": True, "no": False}[one_of("yes", "no")(value)]


def status(value: str | None) -> int:
    """Read an HTTP status that the API knows."""
    return int(one_of(*map(str, STATUSES))(value))


KEYS: dict[str, Callable[[str | None], Any]] = {
    "turns": number(1),
    "repeat": number(1),
    "parallel": number(1),
    "tool": label,
    "tool_error": flag,
    "changed": yes_or_no,
    "tokens": number(1),
    "delay": duration,
    "first_token": duration,
    "429": number(0),
    "retry_after": duration,
    "529": number(0),
    "cut": number(0),
    "drop": number(0),
    "stall": number(0),
    "stream_error": one_of(*STREAM_ERRORS),
    "after": number(0),
    "hang": flag,
    "refusal": flag,
    "empty": flag,
    "badkey": flag,
    "spend": flag,
    "fail": status,
    "stop": one_of(*STOP_REASONS),
    "at": number(1),
    "times": number(1),
    "run": label,
}
