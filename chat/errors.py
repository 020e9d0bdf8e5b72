"""What goes wrong in the chat, as programs are told it."""

from stagent.lib.problems import Problem
from stagent.lib.text import clip


class LostRace(Exception):
    """Somebody else claimed or ended the reply first; an ordinary answer."""


def no_conversation() -> Problem:
    return Problem(404, "conversation_not_found", "There is no such conversation.")


def no_message() -> Problem:
    return Problem(404, "message_not_found", "There is no such message.")


def nothing_to_share() -> Problem:
    return Problem(409, "nothing_to_share", "Nothing was answered yet in what is shown.")


def still_answering() -> Problem:
    return Problem(409, "still_answering", "This reply is not finished; stop it first.")


def too_many_waiting(most: int) -> Problem:
    return Problem(
        429,
        "too_many_waiting",
        f"{most} replies wait in this conversation already; send it when some of them are done.",
        headers={"Retry-After": "5"},
    )


def no_attachment(identifier: str | None = None) -> Problem:
    """Say that there is no such file; with an id, that it was named among others."""
    said = "There is no such file." if identifier is None else f"There is no file {clip(identifier, 40)!r}."
    fields = {} if identifier is None else {"attachments": said}
    return Problem(404, "attachment_not_found", said, fields=fields)


def attachment_was_sent() -> Problem:
    return Problem(409, "attachment_sent", "It was sent already; it goes when its conversation goes.")


def attachment_was_used() -> Problem:
    said = "A file goes with one message, and with what is said in its place; attach it anew."
    return Problem(409, "attachment_used", said, fields={"attachments": said})


def file_is_empty() -> Problem:
    return _of_file(422, "file_empty", "There is nothing in this file.")


def file_is_unknown(why: str) -> Problem:
    return _of_file(415, "file_kind_unsupported", why)


def file_too_large(why: str) -> Problem:
    return _of_file(413, "file_too_large", why)


def no_room_for_files(why: str) -> Problem:
    return _of_file(409, "file_quota_exceeded", why)


def _of_file(status: int, code: str, said: str) -> Problem:
    return Problem(status, code, said, fields={"file": said})
