"""Searches a user's conversations: all words must be in one message, or in the title.

The names of a message's files count as its text.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

from chat.models import Conversation, Message
from chat.models.conversation import ConversationQuerySet
from stagent.lib.db.case_folding import regex_for

MOST_WORDS = 8
BEFORE, AROUND = 40, 160  # characters of a snippet: before its first match, and in all
MOST_FOUND = 1000  # conversations
MOST_MATCHES = 500  # newest matching messages read for the snippets of one page
MOST_MARKS = 20


@dataclass(frozen=True)
class Snippet:
    """The text around a match; `marks` are the start and end of each match in `text`, in characters."""

    message_id: int | None
    text: str
    marks: list[tuple[int, int]]


def words_of(asked: str) -> list[str]:
    """Return the search terms; a quoted phrase is one term."""
    found = [quoted or word for quoted, word in re.findall(r'"([^"]+)"|(\S+)', asked)]
    return list(dict.fromkeys(word.strip() for word in found if word.strip()))[:MOST_WORDS]


def narrow(conversations: ConversationQuerySet, words: list[str]) -> ConversationQuerySet:
    """Filter the latest conversations whose title, or one of whose messages, has all the words.

    Evaluated here once: counting and then reading a page would scan every message twice.
    """
    matching = Message.objects.filter(_message_has(words), conversation=OuterRef("pk"))
    found = conversations.filter(_all("title", words) | Q(Exists(matching))).order_by("-active_at", "-pk")
    return conversations.filter(pk__in=list(found.values_list("pk", flat=True)[:MOST_FOUND]))


def snippets(conversations: Collection[Conversation], words: list[str]) -> dict[int, Snippet]:
    """Return a snippet for each conversation: of its newest matching message, or else of its title."""
    if not words:
        return {}
    found = {each.pk: cut(each.title, words) for each in conversations}
    matching = Message.objects.filter(
        _message_has(words), conversation__in=[each.pk for each in conversations]
    )
    rows = matching.order_by("-pk").values_list("conversation_id", "pk", "text", "files")[:MOST_MATCHES]
    for conversation_id, pk, text, files in reversed(rows):
        found[conversation_id] = cut(f"{files}\n{text}" if files else text, words, pk)
    return found


def cut(text: str, words: list[str], message_id: int | None = None) -> Snippet:
    """Return the text around the first match, with whitespace collapsed and matches marked."""
    flat = " ".join(text.split())
    pattern = re.compile("|".join(map(regex_for, words)), re.IGNORECASE)
    first = pattern.search(flat)
    begin = max(0, first.start() - BEFORE) if first else 0
    piece = flat[begin : begin + AROUND]
    lead, tail = "…" if begin else "", "…" if begin + AROUND < len(flat) else ""
    marks = [(hit.start() + len(lead), hit.end() + len(lead)) for hit in pattern.finditer(piece)]
    return Snippet(message_id, f"{lead}{piece}{tail}", marks[:MOST_MARKS])


def _message_has(words: list[str]) -> Q:
    return Q(*(_has("text", word) | _has("files", word) for word in words))


def _all(column: str, words: list[str]) -> Q:
    return Q(*(_has(column, word) for word in words))


def _has(column: str, word: str) -> Q:
    return Q(**{f"{column}__icontains": word})
