"""The SQL of this app: what all open pages of a process ask together, many times a second; and what waits."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from agents.models import Event
from stagent.lib.db.sql_values import sql_list

NEWEST = (
    "WITH wanted(log) AS ({}) SELECT id, last_seq FROM agents_transcript WHERE id IN (SELECT log FROM wanted)"
)
# Where one may, by a lateral join: PostgreSQL takes a third of a log to be new and would read all logs.
AFTER = {
    "sqlite": (
        "WITH wanted(log, seen) AS ({}) SELECT e.transcript_id, e.seq, e.kind, e.data FROM wanted "
        "JOIN agents_event e ON e.transcript_id = wanted.log AND e.seq > wanted.seen "
        "ORDER BY e.transcript_id, e.seq LIMIT %s"
    ),
    "postgresql": (
        "WITH wanted(log, seen) AS ({}) SELECT log, e.seq, e.kind, e.data FROM wanted CROSS JOIN LATERAL "
        "(SELECT seq, kind, data FROM agents_event WHERE transcript_id = log AND seq > seen ORDER BY seq) e "
        "LIMIT %s"
    ),
}
DATA: Any = Event._meta.get_field("data")

type Row = tuple[int, int, str, dict[str, Any]]


def newest(logs: Sequence[int]) -> dict[int, int]:
    """Return the number of the last event of each of these logs."""
    wanted, values = sql_list([(log,) for log in logs], "bigint")
    with connection.cursor() as cursor:
        cursor.execute(NEWEST.format(wanted), values)
        return dict(cursor.fetchall())


def events_after(positions: Mapping[int, int], most: int) -> list[Row]:
    """Return what came in each log after the number that was seen there: log, number, kind and data."""
    wanted, values = sql_list(list(positions.items()), "bigint", "bigint")
    with connection.cursor() as cursor:
        cursor.execute(AFTER[connection.vendor].format(wanted), [*values, most])
        rows = cursor.fetchall()
    return [(log, seq, kind, _read(data)) for log, seq, kind, data in rows]


def _read(data: Any) -> dict[str, Any]:
    return DATA.from_db_value(data, None, connection)  # type: ignore[no-any-return]
