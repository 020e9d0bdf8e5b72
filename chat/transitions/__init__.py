"""Every arrow of a message, one function each; nothing else writes messages."""

from chat.transitions.accepting import Accepted, Draft, accept, ask_again
from chat.transitions.delivering import Result, deliver
from chat.transitions.finalising import End, finalise
from chat.transitions.forking import fork
from chat.transitions.holding import Claim, claim, park, renew, request_stop, unpark

__all__ = [
    "Accepted", "Claim", "Draft", "End", "Result", "accept", "ask_again", "claim", "deliver", "finalise",
    "fork", "park", "renew", "request_stop", "unpark",
]  # fmt: skip
