"""What a name may be: one line that shows something. Names stand in lists, mail subjects, files and logs."""

import unicodedata
from collections.abc import Container

from django.core.exceptions import ValidationError

from stagent.lib.text import FLAG, INVISIBLE, TAGS, VARIANTS, ZWJ, ZWNJ, is_blank, with_ending

FORBIDDEN = ("Cc", "Zl", "Zp", "Cs")  # control characters, line and paragraph separators, halves
KEYCAPS = ("ℹ", *"0123456789#*")  # emoji once a variation selector follows
CASED = ("Lu", "Ll", "Lt")
EMOJI, VIRAMA = "\ufe0f", 9
LARGEST_INTEGER = 2**31 - 1  # of an integer column on PostgreSQL; SQLite would take more
NOTHING_SEEN = "Write something: blanks alone say nothing."


def one_line(value: str) -> None:
    """Refuse a name with a line break, a control or an invisible character, and one of blanks alone."""
    if fault := fault_of(value):
        raise ValidationError(fault, code="name")


def fault_of(value: str) -> str:
    """Return what is wrong with a name; empty where nothing is."""
    for char in value:
        if unicodedata.category(char) in FORBIDDEN:
            return f"A name is one line, without control characters: this has U+{ord(char):04X}."
    if is_blank(value):
        return NOTHING_SEEN
    for place, char in enumerate(value):
        if char in INVISIBLE and not _joins(value, place):
            return f"A name has no invisible or text-direction characters: this has U+{ord(char):04X}."
    return ""


def plain(value: str) -> str:
    """Return a name as it may be: blanks for line breaks, nothing for what is invisible; it may be empty."""
    one = "".join(" " if unicodedata.category(char) in FORBIDDEN else char for char in value)
    seen = "".join(char for place, char in enumerate(one) if char not in INVISIBLE or _joins(one, place))
    return "" if is_blank(seen) else " ".join(seen.split())


def free_copy(name: str, ending: str, longest: int, taken: Container[str]) -> str:
    """Return what a copy is called, for example `Report (copy)`, then `Report (copy 2)`; none that is taken.

    A name too long for its ending is shortened, with `…` at its end.
    """
    number, tried = 1, with_ending(name, f" ({ending})", longest)
    while tried in taken:
        number += 1
        tried = with_ending(name, f" ({ending} {number})", longest)
    return tried


def _joins(value: str, place: int) -> bool:
    """Tell whether an invisible character makes the sign before it another: in emoji and some scripts."""
    char, before = value[place], value[place - 1] if place else ""
    if ord(char) in TAGS:
        return value[:place].rstrip("".join(map(chr, TAGS))).endswith(FLAG)
    if any(ord(char) in variants for variants in VARIANTS):
        return before in KEYCAPS or (not before.isascii() and unicodedata.category(before) not in CASED)
    after = value[place + 1 : place + 2]
    if char not in (ZWJ, ZWNJ) or not before or not after or is_blank(after):
        return False
    # As IDNA has it: in Indic scripts behind a virama, in Arabic ones; a ZWJ between emoji too.
    if unicodedata.combining(before) == VIRAMA or unicodedata.bidirectional(before) in ("AL", "R"):
        return True
    return char == ZWJ and (unicodedata.category(before) in ("So", "Sk") or before == EMOJI)
