"""Text that every database and server takes, that people can see, and that fits where it goes."""

import unicodedata
from typing import Any

UNKNOWN = "unknown"  # a cost at a price that nobody knows
CUT = "…"  # how a text ends that was cut
CLOSING = ")]}”’»\"'`*"
MOST_JOINED = 40  # characters of one sign, such as a family of emoji
ZWNJ, ZWJ = "\u200c", "\u200d"
FLAG = "\U0001f3f4"  # flags of regions are spelled behind it, in tags
TAGS = range(0xE0020, 0xE0080)
VARIANTS = (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
TONES = range(0x1F3FB, 0x1F400)
REGIONS = range(0x1F1E6, 0x1F200)  # two of them make a flag
# Unicode's Default_Ignorable_Code_Point, and the blanks of Hangul and Braille: nothing is shown for them.
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


def is_blank(text: str) -> bool:
    """Tell whether a text shows nothing: blanks, control characters and invisible ones alone."""
    return all(char in INVISIBLE or unicodedata.category(char) in BLANK for char in text)


def shorten(text: str, longest: int) -> str:
    """Put text that we compose on one line of at most so many characters; `…` says that it was cut."""
    return clip(" ".join(_clean(text).split()), longest)


def clip(text: str, longest: int, mark: str = CUT) -> str:
    """Return text that we compose in at most so many characters, its lines kept; `mark` says where it ends.

    No sign that is made of several characters is cut in two.
    """
    if len(text) <= longest:
        return text
    end = max(0, longest - len(mark))
    least = max(0, end - MOST_JOINED)
    while end > least and _is_joined(text, end):
        end -= 1
    return (text[:end].rstrip() + mark)[:longest]


def too_long(text: str, longest: int) -> str:
    """Return what is wrong with a text that somebody typed, in the words of Django's forms; else nothing."""
    return length_fault(longest, len(text)) if len(text) > longest else ""


def length_fault(longest: int, length: int) -> str:
    """Say that a text may have at most so many characters, and how many it has."""
    from django.core.validators import MaxLengthValidator

    return str(MaxLengthValidator.message % {"limit_value": longest, "show_value": length})


def sentence(text: str) -> str:
    """End what somebody else said with a full stop, so that what follows is another sentence."""
    text = text.strip()
    ends = text.rstrip(CLOSING).endswith((".", "!", "?", CUT, "。", "！", "？"))
    return text if not text or ends else f"{text}."


def with_ending(name: str, ending: str, longest: int) -> str:
    """Return a name with words behind it, shortened where both together are too long."""
    return clip(name, longest - len(ending)) + ending


def _is_joined(text: str, place: int) -> bool:
    """Tell whether the character there belongs to the sign before it."""
    char, before = text[place], text[place - 1]
    if unicodedata.category(char) in ("Mn", "Mc", "Me") or before == ZWJ or char in (ZWJ, ZWNJ):
        return True
    if ord(char) in TONES or ord(char) in TAGS:
        return True
    if ord(char) not in REGIONS:
        return False
    flags = 0
    while flags < place and ord(text[place - 1 - flags]) in REGIONS:
        flags += 1
    return flags % 2 == 1


def _clean(text: str) -> str:
    if text.isascii() and "\0" not in text:
        return text
    # Encoded as UTF-16 first, because two halves of a pair that arrived apart still make one character.
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\0", "\N{REPLACEMENT CHARACTER}")
