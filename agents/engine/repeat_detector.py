"""Detects an agent that repeats the same calls with the same results."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from typing import Any

WARN_AT = 3
STOP_AT = 5
LONGEST_CYCLE = 4  # A-B-C-D-A-B-C-D-… is still detected


class RepeatDetector:
    """Counts how often the latest call, or a short cycle of calls, was repeated in a row."""

    def __init__(self) -> None:
        # More than STOP_AT rounds need not be counted.
        self._keys: deque[bytes] = deque(maxlen=LONGEST_CYCLE * STOP_AT)

    def record(self, name: str, arguments: Any, result_text: str) -> int:
        """Record a finished call; return how many times in a row it has come, 1 if it is new."""
        self._keys.append(_key(name, arguments, result_text))
        return max(self._rounds(period) for period in range(1, LONGEST_CYCLE + 1))

    def _rounds(self, period: int) -> int:
        """Count the complete rounds of a cycle of this length at the end of the history."""
        keys = list(self._keys)
        matches = 0
        while matches + period < len(keys) and keys[-1 - matches] == keys[-1 - matches - period]:
            matches += 1
        return matches // period + 1


def _key(name: str, arguments: Any, result_text: str) -> bytes:
    canonical = json.dumps([name, arguments, result_text], sort_keys=True, default=str)
    return hashlib.sha256(canonical.encode()).digest()
