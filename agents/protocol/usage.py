"""Token usage of replies, and estimates for text without a count."""

import json
from dataclasses import dataclass
from typing import Any

CHARS_PER_TOKEN = 3.5


@dataclass(frozen=True)
class Usage:
    """The tokens of one reply. The three kinds of input are disjoint."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    @property
    def total_input(self) -> int:
        """All input tokens."""
        return self.input + self.cache_read + self.cache_write

    @property
    def total(self) -> int:
        return self.total_input + self.output


def estimate_tokens(chars: int) -> int:
    """Estimate the tokens of this many characters."""
    return round(chars / CHARS_PER_TOKEN)


def count_chars(data: Any) -> int:
    """Return the length of `data` as JSON in ASCII characters; others count for two or three."""
    return len(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))
