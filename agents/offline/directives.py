"""Directives: make the offline model misbehave, for drills, tests and demos.

A directive is written into the last user message or into the system prompt:

    [[offline: turns=30 delay=50ms 429=2]]

In `backticks` it is quoted and ignored. An unknown key or an invalid value is a 400 that names it. "Tokens"
are words here, one per delta. If both the system prompt and the user have a directive, the user's keys win.

| key              | effect                                                                                 |
|------------------|----------------------------------------------------------------------------------------|
| turns=N          | N replies in all: each asks for a harmless tool with a new input, the last one answers |
| repeat=N         | the same with an identical call every time                                             |
| parallel=N       | each of these turns asks for N tools at once (default turns=2)                         |
| tool=NAME        | the tool those turns ask for, offered or not (default turns=2)                         |
| tool_error       | the first turn asks for a tool that does not exist, then it continues                  |
| changed=yes, no  | calls `report` with this value, then answers                                           |
| tokens=N         | the answer is N tokens long, and its usage says N                                      |
| delay=50ms       | time before every delta (ms, s, m; a bare number is seconds)                           |
| first_token=2s   | time between the start of the message and its first token                              |
| 429=K            | 429 rate_limit_error for the first K requests of the conversation                      |
| retry_after=S    | Retry-After of the 429 (default 1), and of the 529 if given                            |
| 529=K            | 529 overloaded_error for K requests, after the 429s                                    |
| cut=N            | the stream ends cleanly after N tokens: no message_delta, no stop_reason               |
| drop=N           | the connection breaks after N tokens (RemoteProtocolError)                             |
| stall=N          | the stream stays open after N tokens, but sends nothing more                           |
| stream_error=X   | an error event: overloaded, api, rate_limit, timeout, billing or authentication        |
| after=N          | that error event comes after N tokens (default 0)                                      |
| hang             | no response until the client cancels or its read timeout passes                        |
| refusal          | stop_reason refusal with stop_details, no content                                      |
| empty            | stop_reason end_turn, no content                                                       |
| badkey           | 401 authentication_error                                                               |
| spend            | 429 with error_code enforced_spend_limit_reached                                       |
| fail=STATUS      | this status: 400 401 402 403 404 408 413 429 500 503 504 529                           |
| stop=REASON      | stop_reason of the answer (or of turn `at`): max_tokens, pause_turn, stop_sequence or  |
|                  | model_context_window_exceeded                                                          |
| at=N             | the faults from cut to stop apply to turn N only                                       |
| times=K          | they apply to the first K requests of the conversation only                            |
| run=LABEL        | a separate request counter for 429, 529 and times                                      |

The turn is counted from the messages. The transport instance counts the requests of a conversation, keyed by
its first message, the number of prompts so far and `run`.
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
class Directive:
    """A parsed directive. The defaults mean normal behaviour."""

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
    # faults, which `at` and `times` restrict
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
    def is_set(self) -> bool:
        """Whether any key is given."""
        return self != Directive()

    @property
    def per_token(self) -> bool:
        """Whether each token needs a delta of its own."""
        positions = (self.cut, self.drop, self.stall)
        return bool(self.tokens or self.delay or self.after) or any(each is not None for each in positions)

    def effective_at(self, turn: int, count: int) -> "Directive":
        """Return the directive for this turn and the count-th request, without faults that do not apply."""
        is_excluded = (self.at and self.at != turn) or (self.times and count > self.times)
        return replace(self, **NO_FAULTS) if is_excluded else self


FAULTS = (
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
NO_FAULTS: dict[str, Any] = {field.name: field.default for field in fields(Directive) if field.name in FAULTS}
FIELDS = {"429": "rate_limits", "529": "overloads"}


def strip_directives(text: str) -> str:
    """Return the text without its directives."""
    return DIRECTIVE.sub("", text).strip()


def parse_directives(*texts: str) -> Directive:
    """Parse all directives in these texts; later keys win. Raise BadRequest if one is invalid."""
    values: dict[str, Any] = {}
    for text in texts:
        for match in DIRECTIVE.finditer(text):
            values |= dict(parse_option(option) for option in match[1].split())
    if "turns" in values and "repeat" in values:
        raise BadRequest("offline directive: turns and repeat exclude each other")
    return Directive(**values)


def parse_option(option: str) -> tuple[str, Any]:
    """Parse `key` or `key=value`."""
    key, equals, value = option.partition("=")
    if key not in KEYS:
        raise BadRequest(f"offline directive: unknown key {key!r}; known are {', '.join(KEYS)}")
    try:
        return FIELDS.get(key, key), KEYS[key](value if equals else None)
    except (ValueError, TypeError):
        raise BadRequest(f"offline directive: bad value for {key!r}: {value!r}") from None


def number(minimum: int) -> Callable[[str | None], int]:
    """Return a parser for whole numbers from `minimum` to a million."""

    def parse(value: str | None) -> int:
        if not re.fullmatch(r"\d{1,7}", value or "") or not minimum <= int(value or "") <= 1_000_000:
            raise ValueError(value)
        return int(value or "")

    return parse


def duration(value: str | None) -> float:
    """Parse 50ms, 2s, 1.5m or a bare number to seconds."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)(ms|s|m|)", value or "")
    if not match:
        raise ValueError(value)
    return float(match[1]) * {"ms": 0.001, "s": 1, "m": 60, "": 1}[match[2]]


def flag(value: str | None) -> bool:
    """Parse a key without a value."""
    if value is not None:
        raise ValueError(value)
    return True


def one_of(*words: str) -> Callable[[str | None], str]:
    """Return a parser for one of these words."""

    def parse(value: str | None) -> str:
        if value not in words:
            raise ValueError(value)
        return value

    return parse


def label(value: str | None) -> str:
    if not re.fullmatch(r"[\w.-]{1,128}", value or ""):
        raise ValueError(value)
    return value or ""


def yes_or_no(value: str | None) -> bool:
    return {"yes": True, "no": False}[one_of("yes", "no")(value)]


def status(value: str | None) -> int:
    """Parse an HTTP error status of the API."""
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
