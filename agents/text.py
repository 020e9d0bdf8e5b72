"""Text that every database and server takes."""

from typing import Any


def storable(value: Any) -> Any:
    """Return JSON-like data without NULs and lone surrogates, which PostgreSQL and UTF-8 refuse."""
    match value:
        case str():
            return _clean(value)
        case dict():
            return {_clean(key): storable(item) for key, item in value.items()}
        case list():
            return [storable(item) for item in value]
        case _:
            return value


def shorten(text: str, longest: int) -> str:
    """Put text on one line of at most so many characters."""
    line = " ".join(_clean(text).split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def _clean(text: str) -> str:
    if text.isascii() and "\0" not in text:
        return text
    # Encoded as UTF-16 first, because two halves of a pair that arrived apart still make one character.
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\0", "\N{REPLACEMENT CHARACTER}")
