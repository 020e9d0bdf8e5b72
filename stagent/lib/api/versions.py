"""Versions of rows: If-Match names the one that a change is meant for; it is compared with the row locked.

A version stands for the columns that a PATCH can change and for nothing else: what the engine writes beside
them, for example the next firing, makes no edit stale.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Self

from django.db.models import Model
from django.http import HttpRequest
from django.utils.http import parse_etags

from stagent.lib.problems import Problem

HEADER = "If-Match"
STATUS, CODE = 412, "precondition_failed"
MARK = "."  # in an ETag, between the version and the digest of what was shown
STALE = (
    "Somebody edited this after the version in If-Match. Nothing was changed. "
    "GET it again, then repeat the change with its new ETag."
)


def version_of(row: Model, columns: Iterable[str]) -> str:
    """Return the version of a row as it was read from the database."""
    names = [row._meta.get_field(name).attname for name in columns]  # type: ignore[union-attr]
    return digest_of(row._meta.label_lower, row.pk, *[getattr(row, name) for name in names])


def digest_of(*values: Any) -> str:
    """Return the version of something with these values."""
    return blake2b(json.dumps(values, default=str).encode(), digest_size=12).hexdigest()


@dataclass(frozen=True)
class Expected:
    """The versions for which a change is meant; None: whatever there is."""

    versions: frozenset[str] | None = None

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """Read If-Match by RFC 9110: `*` takes any version, weak tags match none."""
        said = request.headers.get(HEADER)
        if said is None or said.strip() == "*":
            return cls()
        strong = [tag.strip('"') for tag in parse_etags(said) if tag.startswith('"')]
        return cls(frozenset(tag.partition(MARK)[0] for tag in strong))

    def require(self, version: str) -> None:
        """Refuse a change that is meant for another version; to be called with the row locked."""
        if self.versions is not None and version not in self.versions:
            raise Problem(STATUS, CODE, STALE)


ANY = Expected()
