"""Searches that take ß for ss, whatever the case, on both databases alike.

PostgreSQL's UPPER() leaves ß as it is, for want of a single capital; so does our LIKE of SQLite without this.
"""

import re
from typing import Any

from django.db.models import CharField, TextField
from django.db.models.lookups import IContains, IEndsWith, IExact, IStartsWith

SHARP = re.compile("[ßẞ]")
ON_POSTGRESQL = "REPLACE(REPLACE({}, 'ß', 'SS'), 'ẞ', 'SS')"


def fold(text: str) -> str:
    return SHARP.sub("ss", text)


def pattern_of(word: str) -> str:
    """Return a regular expression, to be used without regard to case, that finds what the database finds."""
    return re.sub("ss", "(?:ss|ß)", re.escape(fold(word)), flags=re.IGNORECASE)


class _Folded:
    """Without regard to case, with ß as ss."""

    def process_lhs(self, compiler: Any, connection: Any, lhs: Any = None) -> Any:
        sql, params = super().process_lhs(compiler, connection, lhs)  # type: ignore[misc]
        return (ON_POSTGRESQL.format(sql) if connection.vendor == "postgresql" else sql), params

    def get_prep_lookup(self) -> Any:
        value = super().get_prep_lookup()  # type: ignore[misc]
        return fold(value) if isinstance(value, str) else value


def install() -> None:
    """Let every search of the process fold; called once, as the apps are made."""
    for lookup in (IContains, IExact, IStartsWith, IEndsWith):
        folded = type(f"Folded{lookup.__name__}", (_Folded, lookup), {})
        for field in (CharField, TextField):
            field.register_lookup(folded)
