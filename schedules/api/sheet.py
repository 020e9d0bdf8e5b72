"""Rows of the API as a CSV sheet."""

from django.http import HttpRequest

MOST_ROWS = 100_000


def is_wanted(request: HttpRequest, said: str | None) -> bool:
    """Tell whether the client asked for CSV, by ?format= or by its Accept header."""
    return said == "csv" or (
        said is None and request.get_preferred_type(["application/json", "text/csv"]) == "text/csv"
    )
