"""Rows as a CSV file, streamed, so that a long one needs no memory."""

import csv
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import batched
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would evaluate the cell
BATCH = 500  # lines


class _Echo:
    """A file that returns what is written to it."""

    def write(self, line: str) -> str:
        return line


def csv_response(
    request: HttpRequest, name: str, heading: Sequence[str], rows: Iterable[Iterable[object]], **headers: str
) -> StreamingHttpResponse:
    """Send rows under a heading as `name`.csv; underscores in the names of `headers` become hyphens."""
    chunks = _chunks(heading, rows)
    return StreamingHttpResponse(
        _from_thread(chunks) if isinstance(request, ASGIRequest) else chunks,  # else it is read at once
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'}
        | {header.replace("_", "-"): value for header, value in headers.items()},
    )


def _chunks(heading: Sequence[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    writer: Any = csv.writer(_Echo())
    yield writer.writerow(heading)
    for batch in batched(rows, BATCH):
        yield "".join(writer.writerow([_cell(value) for value in row]) for row in batch)


async def _from_thread(chunks: Iterator[str]) -> AsyncIterator[str]:
    next_chunk = sync_to_async(lambda: next(chunks, None))
    while (chunk := await next_chunk()) is not None:
        yield chunk


def _cell(value: object) -> object:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value).lower()  # as in JSON
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_PREFIXES) else value
