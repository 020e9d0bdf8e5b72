"""The SQL with which the hub reads new events for all open pages of a process, many times a second."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from agents.models import Event
from stagent.lib.db.sql_values import sql_list

NEWEST = (
    "WITH asked(log) AS ({}) SELECT id, last_seq FROM agents_transcript WHERE id IN (SELECT log FROM asked)"
)
# PostgreSQL estimates that a third of each log is new and would scan all logs; the lateral join prevents it.
AFTER = {
    "sqlite": (
        "WITH asked(log, seen) AS ({}) SELECT e.transcript_id, e.seq, e.kind, e.data FROM asked "
        "JOIN agents_event e ON e.transcript_id = asked.log AND e.seq > asked.seen "
        "ORDER BY e.transcript_id, e.seq LIMIT %s"
    ),
    "postgresql": (
        "WITH asked(log, seen) AS ({}) SELECT log, e.seq, e.kind, e.data FROM asked CROSS JOIN LATERAL "
        "(SELECT seq, kind, data FROM agents_event WHERE transcript_id = log AND seq > seen ORDER BY seq) e "
        "LIMIT %s"
    ),
}
DATA: Any = Event._meta.get_field("data")

type Row = tuple[int, int, str, dict[str, Any]]


def newest(logs: Sequence[int]) -> dict[int, int]:
    """Return the `seq` of the last event of each log."""
    requested, values = sql_list([(log,) for log in logs], "bigint")
    with connection.cursor() as cursor:
        cursor.execute(NEWEST.format(requested), values)
        return dict(cursor.fetchall())


def events_after(positions: Mapping[int, int], limit: int) -> list[Row]:
    """Return the events after the given `seq` of each log, at most `limit`: log, seq, kind, data."""
    requested, values = sql_list(list(positions.items()), "bigint", "bigint")
    with connection.cursor() as cursor:
        cursor.execute(AFTER[connection.vendor].format(requested), [*values, limit])
        rows = cursor.fetchall()
    return [(log, seq, kind, _read(data)) for log, seq, kind, data in rows]


def _read(data: Any) -> dict[str, Any]:
    return DATA.from_db_value(data, None, connection)  # type: ignore[no-any-return]
