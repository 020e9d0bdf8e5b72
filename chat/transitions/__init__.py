"""The state transitions of messages, one function each; nothing else writes messages."""

from chat.transitions.accept import Accepted, Draft, accept, ask_again
from chat.transitions.deliver import Result, deliver
from chat.transitions.finalise import End, finalise
from chat.transitions.fork import fork
from chat.transitions.lease import Claim, claim, park, renew, request_stop, unpark

__all__ = [
    "Accepted", "Claim", "Draft", "End", "Result", "accept", "ask_again", "claim", "deliver", "finalise",
    "fork", "park", "renew", "request_stop", "unpark",
]  # fmt: skip
