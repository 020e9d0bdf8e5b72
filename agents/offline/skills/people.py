"""Asking a person, and making something of the answer."""

from agents.offline.script import Call, Script
from agents.offline.telling import sorry
from agents.offline.wish import Wish


def ask(wish: Wish) -> Script:
    """Ask what is to be asked, and say what the answer was."""
    question = wish.words["question"]
    question = question[:1].upper() + question[1:]
    result = yield Call("ask_person", {"question": question}, "I will ask, and wait for the answer.")
    if result.failed:
        return sorry("get an answer", result)
    return f"The answer to “{question}” is: {result.text}"
