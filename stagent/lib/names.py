"""Names: one line with visible text, for lists, mail subjects, files and logs."""

import unicodedata
from collections.abc import Container

from django.core.exceptions import ValidationError

from stagent.lib.text import FLAG, INVISIBLE, TAGS, VARIANTS, ZWJ, ZWNJ, is_blank, with_suffix

FORBIDDEN = ("Cc", "Zl", "Zp", "Cs")  # control characters, line and paragraph separators, surrogates
KEYCAPS = ("ℹ", *"0123456789#*")  # emoji if a variation selector follows
CASED = ("Lu", "Ll", "Lt")
EMOJI, VIRAMA = "\ufe0f", 9
LARGEST_INTEGER = 2**31 - 1  # of an integer column on PostgreSQL; SQLite allows more
BLANK = "Enter some text: it cannot be blank."


def validate_name(value: str) -> None:
    """Raise ValidationError for a name with a line break, control or invisible character, or a blank one."""
    if fault := name_fault(value):
        raise ValidationError(fault, code="name")


def name_fault(value: str) -> str:
    """Return the error of a name; empty if it is valid."""
    for char in value:
        if unicodedata.category(char) in FORBIDDEN:
            return f"A name must be one line without control characters: this has U+{ord(char):04X}."
    if is_blank(value):
        return BLANK
    for index, char in enumerate(value):
        if char in INVISIBLE and not _is_joiner(value, index):
            return (
                f"A name must not contain invisible or text-direction characters: this has U+{ord(char):04X}."
            )
    return ""


def clean_name(value: str) -> str:
    """Return a valid name: blanks for line breaks, invisible characters removed; it may be empty."""
    line = "".join(" " if unicodedata.category(char) in FORBIDDEN else char for char in value)
    seen = "".join(
        char for index, char in enumerate(line) if char not in INVISIBLE or _is_joiner(line, index)
    )
    return "" if is_blank(seen) else " ".join(seen.split())


def copy_name(name: str, suffix: str, max_length: int, taken: Container[str]) -> str:
    """Return an unused name for a copy: `Report (copy)`, then `Report (copy 2)`.

    A name that is too long for the suffix is shortened, with `…` at its end.
    """
    number, candidate = 1, with_suffix(name, f" ({suffix})", max_length)
    while candidate in taken:
        number += 1
        candidate = with_suffix(name, f" ({suffix} {number})", max_length)
    return candidate


def _is_joiner(value: str, index: int) -> bool:
    """Return whether an invisible character changes the glyph before it: in emoji and some scripts."""
    char, previous = value[index], value[index - 1] if index else ""
    if ord(char) in TAGS:
        return value[:index].rstrip("".join(map(chr, TAGS))).endswith(FLAG)
    if any(ord(char) in variants for variants in VARIANTS):
        return previous in KEYCAPS or (not previous.isascii() and unicodedata.category(previous) not in CASED)
    following = value[index + 1 : index + 2]
    if char not in (ZWJ, ZWNJ) or not previous or not following or is_blank(following):
        return False
    # As in IDNA: after a virama in Indic scripts, and in Arabic ones; also a ZWJ between emoji.
    if unicodedata.combining(previous) == VIRAMA or unicodedata.bidirectional(previous) in ("AL", "R"):
        return True
    return char == ZWJ and (unicodedata.category(previous) in ("So", "Sk") or previous == EMOJI)
