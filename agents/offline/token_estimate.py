"""A stand-in for a tokenizer: near enough to budget with, and the same every time."""

import math

CHARS_PER_TOKEN = 3.5


def estimate(text: str) -> int:
    """Return the tokens that `text` costs, one at least."""
    return max(1, math.ceil(len(text) / CHARS_PER_TOKEN))


def chars_for(tokens: int) -> int:
    """Return how many characters fit into so many tokens."""
    return int(tokens * CHARS_PER_TOKEN)
