"""Case-insensitive search that matches ß with ss, the same on both databases.

PostgreSQL's UPPER() leaves ß unchanged, because it has no single capital; so does our LIKE for SQLite without
this.
"""

import re
from typing import Any

from django.db.models import CharField, TextField
from django.db.models.lookups import IContains, IEndsWith, IExact, IStartsWith

SHARP_S = re.compile("[ßẞ]")
POSTGRESQL_FOLD = "REPLACE(REPLACE({}, 'ß', 'SS'), 'ẞ', 'SS')"


def fold(text: str) -> str:
    return SHARP_S.sub("ss", text)


def regex_for(word: str) -> str:
    """Return a regular expression, to use with IGNORECASE, that matches what the database matches."""
    return re.sub("ss", "(?:ss|ß)", re.escape(fold(word)), flags=re.IGNORECASE)


class _Folded:
    """A lookup that ignores case and reads ß as ss."""

    def process_lhs(self, compiler: Any, connection: Any, lhs: Any = None) -> Any:
        sql, params = super().process_lhs(compiler, connection, lhs)  # type: ignore[misc]
        return (POSTGRESQL_FOLD.format(sql) if connection.vendor == "postgresql" else sql), params

    def get_prep_lookup(self) -> Any:
        value = super().get_prep_lookup()  # type: ignore[misc]
        return fold(value) if isinstance(value, str) else value


def install() -> None:
    """Replace the lookups of the process; called once, when the apps are loaded."""
    for lookup in (IContains, IExact, IStartsWith, IEndsWith):
        folded = type(f"Folded{lookup.__name__}", (_Folded, lookup), {})
        for field in (CharField, TextField):
            field.register_lookup(folded)
