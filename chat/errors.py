"""The API errors of the chat."""

from stagent.lib.problems import Problem
from stagent.lib.text import clip


class LostRace(Exception):
    """Another process claimed or finalised the reply first."""


def no_conversation() -> Problem:
    return Problem(404, "conversation_not_found", "Conversation not found.")


def no_message() -> Problem:
    return Problem(404, "message_not_found", "Message not found.")


def nothing_to_share() -> Problem:
    return Problem(409, "nothing_to_share", "The conversation has no finished reply to share yet.")


def still_answering() -> Problem:
    return Problem(409, "still_answering", "This reply is not finished. Wait for it or stop it first.")


def too_many_waiting(most: int) -> Problem:
    return Problem(
        429,
        "too_many_waiting",
        f"This conversation has {most} unfinished replies, the maximum. Wait until one is finished.",
        headers={"Retry-After": "5"},
    )


def no_attachment(identifier: str | None = None) -> Problem:
    """Return the error for an unknown file; with an id, as the error of the field `attachments`."""
    message = "File not found." if identifier is None else f"File {clip(identifier, 40)!r} not found."
    fields = {} if identifier is None else {"attachments": message}
    return Problem(404, "attachment_not_found", message, fields=fields)


def attachment_was_sent() -> Problem:
    return Problem(409, "attachment_sent", "Already sent; it is deleted with its conversation.")


def attachment_was_used() -> Problem:
    message = "This file is attached to another message. Upload it again."
    return Problem(409, "attachment_used", message, fields={"attachments": message})


def file_is_empty() -> Problem:
    return _of_file(422, "file_empty", "This file is empty.")


def file_is_unknown(why: str) -> Problem:
    return _of_file(415, "file_kind_unsupported", why)


def file_too_large(why: str) -> Problem:
    return _of_file(413, "file_too_large", why)


def file_quota_exceeded(why: str) -> Problem:
    return _of_file(409, "file_quota_exceeded", why)


def _of_file(status: int, code: str, message: str) -> Problem:
    return Problem(status, code, message, fields={"file": message})
