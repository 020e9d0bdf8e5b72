"""What a name may be: one line that shows something. Names stand in lists, mail subjects, files and logs."""

import unicodedata

from django.core.exceptions import ValidationError

FORBIDDEN = ("Cc", "Zl", "Zp", "Cs")  # control characters, line and paragraph separators, halves
LARGEST_INTEGER = 2**31 - 1  # of an integer column on PostgreSQL; SQLite would take more


def one_line(value: str) -> None:
    """Refuse a name with a line break or a control character, and one of blanks alone."""
    if fault := fault_of(value):
        raise ValidationError(fault, code="name")


def fault_of(value: str) -> str:
    """Return what is wrong with a name; empty where nothing is."""
    for char in value:
        if unicodedata.category(char) in FORBIDDEN:
            return f"A name is one line, without control characters: this has U+{ord(char):04X}."
    return "" if any(unicodedata.category(char)[0] not in "ZC" for char in value) else "Write something."
