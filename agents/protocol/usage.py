"""Tokens: what a reply used, and a guess where nobody counted."""

import json
from dataclasses import dataclass
from typing import Any

CHARS_PER_TOKEN = 3.5


@dataclass(frozen=True)
class Usage:
    """The tokens of one reply. The three kinds of input add up: none contains another."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    @property
    def read(self) -> int:
        """All that the model read."""
        return self.input + self.cache_read + self.cache_write

    @property
    def total(self) -> int:
        return self.read + self.output


def estimate(chars: int) -> int:
    """Guess the tokens of so many characters."""
    return round(chars / CHARS_PER_TOKEN)


def size(data: Any) -> int:
    """Return how long this is for a model, in plain letters; rarer signs count for two or three."""
    return len(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))
