"""Rows as a CSV sheet, for people with spreadsheets."""

import csv
from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse

from stagent.lib.api.values import Row

MOST_ROWS = 100_000
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what makes a spreadsheet run a cell


def is_wanted(request: HttpRequest, said: str | None) -> bool:
    """Tell whether the client asked for CSV, by ?format= or by its Accept header."""
    return said == "csv" or (
        said is None and request.get_preferred_type(["application/json", "text/csv"]) == "text/csv"
    )


def sheet(name: str, columns: Iterable[str], rows: Iterable[Row], count: int) -> HttpResponse:
    """Write rows under their field names; `count` says how many there are in all."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "X-Total-Count": str(count)}
    answer = HttpResponse(content_type="text/csv; charset=utf-8", headers=headers)
    writer = csv.writer(answer)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row.model_dump(mode="json").values()] for row in rows)
    return answer


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
