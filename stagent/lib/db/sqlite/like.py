"""LIKE for SQLite that matches PostgreSQL's under UPPER(): case-insensitive in every script, ß as ss."""

import re
from functools import lru_cache
from typing import Any

from stagent.lib.db.case_folding import fold


def upper(text: str) -> str:
    """Return the text in capitals with the same length, except for ß; see `stagent.lib.db.case_folding`."""
    if text.isascii():
        return text.upper()
    return "".join(capital if len(capital := char.upper()) == 1 else char for char in fold(text))


def like(pattern: Any, text: Any, escape: str = "\\") -> bool | None:
    """Return whether a text matches a pattern (% for any characters, _ for one); NULL matches nothing."""
    if pattern is None or text is None:
        return None
    return _compiled(str(pattern), escape).fullmatch(upper(str(text))) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str, escape: str) -> re.Pattern[str]:
    parts: list[str] = []
    characters = iter(upper(pattern))
    for char in characters:
        if char == escape:
            parts.append(re.escape(next(characters, "")))
        else:
            parts.append({"%": ".*", "_": "."}.get(char) or re.escape(char))
    return re.compile("".join(parts), re.DOTALL)
