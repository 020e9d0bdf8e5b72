"""A deterministic token estimate, from the number of characters."""

import math

CHARS_PER_TOKEN = 3.5


def estimate(text: str) -> int:
    """Return the estimated tokens of a text, at least 1."""
    return max(1, math.ceil(len(text) / CHARS_PER_TOKEN))


def chars_for(tokens: int) -> int:
    """Return the number of characters in so many tokens."""
    return int(tokens * CHARS_PER_TOKEN)
