"""What the ETag of a response covers: fields that always differ are left out, and a row's version is
included.
"""

from typing import Any

from django.http import HttpRequest
from pydantic import BaseModel

REPRESENTATION, VERSION = "_etag_representation", "_etag_version"


def set_representation(request: HttpRequest, response: BaseModel, *, exclude: dict[str, Any]) -> None:
    """Compute the ETag without the fields of `exclude` (as in pydantic's exclude)."""
    setattr(request, REPRESENTATION, response.model_dump_json(exclude=exclude).encode())


def with_version[Schema: BaseModel](request: HttpRequest, row: Schema, version: str) -> Schema:
    """Begin the ETag of the response with the version of its row, the same for GET and PATCH; return the
    row.
    """
    set_representation(request, row, exclude={})
    setattr(request, VERSION, version)
    return row


def representation_of(request: HttpRequest) -> bytes | None:
    """Return the bytes that the view chose for the ETag; None: the whole response."""
    return getattr(request, REPRESENTATION, None)


def version_in(request: HttpRequest) -> str:
    """Return the version of the row in the response; empty if there is none."""
    return getattr(request, VERSION, "")
