"""Row versions: If-Match names the version that a change applies to; it is compared with the locked row.

A version covers the columns that a PATCH can change and no others: what the scheduler writes, for example the
next firing, does not make an edit stale.
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
SEPARATOR = "."  # in an ETag, between the row's version and the digest of the response
STALE = (
    "The object was edited after the version in If-Match. Nothing was changed. "
    "GET it again and repeat the change with the new ETag."
)


def version_of(row: Model, columns: Iterable[str]) -> str:
    """Return the version of a row as loaded from the database."""
    names = [row._meta.get_field(name).attname for name in columns]  # type: ignore[union-attr]
    return digest_of(row._meta.label_lower, row.pk, *[getattr(row, name) for name in names])


def digest_of(*values: Any) -> str:
    """Return the version of an object with these values."""
    return blake2b(json.dumps(values, default=str).encode(), digest_size=12).hexdigest()


@dataclass(frozen=True)
class ExpectedVersions:
    """The versions that a change accepts; None accepts any."""

    versions: frozenset[str] | None = None

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """Read If-Match as in RFC 9110: `*` accepts any version, weak tags match none."""
        header = request.headers.get(HEADER)
        if header is None or header.strip() == "*":
            return cls()
        tags = [tag.strip('"') for tag in parse_etags(header) if tag.startswith('"')]
        return cls(frozenset(tag.partition(SEPARATOR)[0] for tag in tags))

    def require(self, version: str) -> None:
        """Raise a Problem if the version is not expected. Call it with the row locked."""
        if self.versions is not None and version not in self.versions:
            raise Problem(STATUS, CODE, STALE)


ANY = ExpectedVersions()
