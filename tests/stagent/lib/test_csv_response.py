"""Sheets: as long as you like, and no spreadsheet runs what is in them."""

from django.test import AsyncRequestFactory, RequestFactory

from stagent.lib.web.csv_response import BATCH, csv_response


def rows(many: int, taken: list[int]):
    for number in range(many):
        taken.append(number)
        yield number, "=1+1", "a, b"


async def test_a_long_sheet_is_read_as_it_is_sent():
    taken: list[int] = []
    request = AsyncRequestFactory().get("/")
    answer = csv_response(request, "long", ["id", "text", "more"], rows(3 * BATCH, taken), X_Total_Count="9")
    assert answer.is_async, "or the server would take all of it before it sends the first line"
    pieces = aiter(answer)
    assert await anext(pieces) == b"id,text,more\r\n"
    assert not taken
    assert (await anext(pieces)).splitlines()[0] == b'0,\'=1+1,"a, b"'
    assert len(taken) == BATCH
    assert [len(piece.splitlines()) async for piece in pieces] == [BATCH] * 2
    assert answer["X-Total-Count"] == "9"
    assert answer["Content-Disposition"] == 'attachment; filename="long.csv"'


def test_without_an_event_loop_it_is_the_same():
    answer = csv_response(RequestFactory().get("/"), "short", ["id", "text", "more"], rows(1, []))
    assert answer.getvalue() == b'id,text,more\r\n0,\'=1+1,"a, b"\r\n'


def test_yes_and_no_are_spelled_as_in_json():
    answer = csv_response(RequestFactory().get("/"), "short", ["shifted"], [[True], [False], [None]])
    assert answer.getvalue() == b'shifted\r\ntrue\r\nfalse\r\n""\r\n'
