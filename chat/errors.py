"""What goes wrong in the chat, as programs are told it."""

from stagent.lib.problems import Problem


class Quicker(Exception):
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
