"""Text that every database and server accepts, that people can see, and that fits its place."""

import unicodedata
from typing import Any

UNKNOWN = "unknown"  # a cost without a known price
ELLIPSIS = "…"  # the end of a text that was cut
CLOSING = ")]}”’»\"'`*"
MAX_CLUSTER = 40  # characters of one glyph, such as a family emoji
ZWNJ, ZWJ = "\u200c", "\u200d"
FLAG = "\U0001f3f4"  # tags after it spell the flag of a region
TAGS = range(0xE0020, 0xE0080)
VARIANTS = (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
TONES = range(0x1F3FB, 0x1F400)
REGIONS = range(0x1F1E6, 0x1F200)  # two of them make a flag
# Unicode's Default_Ignorable_Code_Point, and the blanks of Hangul and Braille: none of them is visible.
INVISIBLE = frozenset(
    char
    for first, last in (
        (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
        (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x2800, 0x2800), (0x3164, 0x3164),
        (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3),
        (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
    )
    for char in map(chr, range(first, last + 1))
)  # fmt: skip
BLANK = ("Zs", "Zl", "Zp", "Cc", "Cs")


def to_storable(value: Any) -> Any:
    """Return JSON-like data without NULs and lone surrogates, which PostgreSQL and UTF-8 refuse."""
    match value:
        case str():
            return _clean(value)
        case dict():
            return {_clean(key): to_storable(item) for key, item in value.items()}
        case list():
            return [to_storable(item) for item in value]
        case _:
            return value


def is_blank(text: str) -> bool:
    """Return whether a text shows nothing: only blanks, control and invisible characters."""
    return all(char in INVISIBLE or unicodedata.category(char) in BLANK for char in text)


def shorten(text: str, max_length: int) -> str:
    """Put our own text on one line of at most `max_length` characters; `…` marks a cut."""
    return clip(" ".join(_clean(text).split()), max_length)


def clip(text: str, max_length: int, ellipsis: str = ELLIPSIS) -> str:
    """Cut our own text to at most `max_length` characters, with its lines; `ellipsis` marks the cut.

    A glyph made of several characters is never split.
    """
    if len(text) <= max_length:
        return text
    end = max(0, max_length - len(ellipsis))
    minimum = max(0, end - MAX_CLUSTER)
    while end > minimum and _is_joined(text, end):
        end -= 1
    return (text[:end].rstrip() + ellipsis)[:max_length]


def too_long(text: str, max_length: int) -> str:
    """Return the error if a typed text is too long, in the words of Django's forms; else an empty string."""
    return too_long_message(max_length, len(text)) if len(text) > max_length else ""


def too_long_message(max_length: int, length: int) -> str:
    """Return Django's message for a text that is longer than allowed."""
    from django.core.validators import MaxLengthValidator

    return str(MaxLengthValidator.message % {"limit_value": max_length, "show_value": length})


def sentence(text: str) -> str:
    """End quoted text with a full stop, so that another sentence can follow."""
    text = text.strip()
    has_end = text.rstrip(CLOSING).endswith((".", "!", "?", ELLIPSIS, "。", "！", "？"))
    return text if not text or has_end else f"{text}."


def with_suffix(name: str, suffix: str, max_length: int) -> str:
    """Return a name with a suffix; the name is shortened if both together are too long."""
    return clip(name, max_length - len(suffix)) + suffix


def _is_joined(text: str, index: int) -> bool:
    """Return whether the character belongs to the glyph before it."""
    char, previous = text[index], text[index - 1]
    if unicodedata.category(char) in ("Mn", "Mc", "Me") or previous == ZWJ or char in (ZWJ, ZWNJ):
        return True
    if ord(char) in TONES or ord(char) in TAGS:
        return True
    if ord(char) not in REGIONS:
        return False
    flags = 0
    while flags < index and ord(text[index - 1 - flags]) in REGIONS:
        flags += 1
    return flags % 2 == 1


def _clean(text: str) -> str:
    if text.isascii() and "\0" not in text:
        return text
    # UTF-16 first, because two surrogates that arrived separately still make one character.
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return joined.replace("\0", "\N{REPLACEMENT CHARACTER}")
