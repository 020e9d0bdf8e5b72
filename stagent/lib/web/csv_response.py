"""Rows as a CSV sheet, sent as it is written, so that a long one needs no memory."""

import csv
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import batched
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what makes a spreadsheet run a cell
AT_ONCE = 500  # lines


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, line: str) -> str:
        return line


def csv_response(
    request: HttpRequest, name: str, heading: Sequence[str], rows: Iterable[Iterable[object]], **headers: str
) -> StreamingHttpResponse:
    """Send rows under a heading as `name`.csv; `headers` with underscores for hyphens."""
    pieces = _pieces(heading, rows)
    return StreamingHttpResponse(
        _from_thread(pieces) if isinstance(request, ASGIRequest) else pieces,  # or it is taken at once
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'}
        | {header.replace("_", "-"): value for header, value in headers.items()},
    )


def _pieces(heading: Sequence[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    writer: Any = csv.writer(_Echo())
    yield writer.writerow(heading)
    for some in batched(rows, AT_ONCE):
        yield "".join(writer.writerow([_cell(value) for value in row]) for row in some)


async def _from_thread(pieces: Iterator[str]) -> AsyncIterator[str]:
    take = sync_to_async(lambda: next(pieces, None))
    while (piece := await take()) is not None:
        yield piece


def _cell(value: object) -> object:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value).lower()  # as in JSON
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
