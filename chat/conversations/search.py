"""A person's conversations by what was said in them: every word must be in one message, or in the title.

The names of the files that came with a message count as said in it.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

from chat.models import Conversation, Message
from chat.models.conversation import ConversationQuerySet
from stagent.lib.db.case_folding import pattern_of

MOST_WORDS = 8
BEFORE, AROUND = 40, 160  # characters of a snippet: before its first match, and in all
MOST_FOUND = 1000  # conversations
MOST_LOOKED_AT = 500  # matching messages for the snippets of one page, the newest
MOST_MARKS = 20


@dataclass(frozen=True)
class Snippet:
    """Where the words are found; `marks` are places in `text`, from and to, in characters."""

    message_id: int | None
    text: str
    marks: list[tuple[int, int]]


def words_of(asked: str) -> list[str]:
    """Return the words to look for; what stands in quotes is one."""
    found = [quoted or word for quoted, word in re.findall(r'"([^"]+)"|(\S+)', asked)]
    return list(dict.fromkeys(word.strip() for word in found if word.strip()))[:MOST_WORDS]


def narrow(conversations: ConversationQuerySet, words: list[str]) -> ConversationQuerySet:
    """Keep the conversations whose title, or one of whose messages, has all the words: the latest of them.

    Looked up here, once: whoever counts them and then reads a page would read every message twice.
    """
    said = Message.objects.filter(_said(words), conversation=OuterRef("pk"))
    found = conversations.filter(_all("title", words) | Q(Exists(said))).order_by("-active_at", "-pk")
    return conversations.filter(pk__in=list(found.values_list("pk", flat=True)[:MOST_FOUND]))


def snippets(conversations: Collection[Conversation], words: list[str]) -> dict[int, Snippet]:
    """Return where each of these conversations has the words: its newest message, or else its title."""
    if not words:
        return {}
    found = {each.pk: cut(each.title, words) for each in conversations}
    said = Message.objects.filter(_said(words), conversation__in=[each.pk for each in conversations])
    rows = said.order_by("-pk").values_list("conversation_id", "pk", "text", "files")[:MOST_LOOKED_AT]
    for conversation_id, pk, text, files in reversed(rows):
        found[conversation_id] = cut(f"{files}\n{text}" if files else text, words, pk)
    return found


def cut(text: str, words: list[str], message_id: int | None = None) -> Snippet:
    """Cut the piece around the first match, its blanks as single spaces, and mark the words in it."""
    flat = " ".join(text.split())
    pattern = re.compile("|".join(map(pattern_of, words)), re.IGNORECASE)
    first = pattern.search(flat)
    begin = max(0, first.start() - BEFORE) if first else 0
    piece = flat[begin : begin + AROUND]
    lead, tail = "…" if begin else "", "…" if begin + AROUND < len(flat) else ""
    marks = [(hit.start() + len(lead), hit.end() + len(lead)) for hit in pattern.finditer(piece)]
    return Snippet(message_id, f"{lead}{piece}{tail}", marks[:MOST_MARKS])


def _said(words: list[str]) -> Q:
    return Q(*(_has("text", word) | _has("files", word) for word in words))


def _all(column: str, words: list[str]) -> Q:
    return Q(*(_has(column, word) for word in words))


def _has(column: str, word: str) -> Q:
    return Q(**{f"{column}__icontains": word})
