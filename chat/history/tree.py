"""The tree of a conversation: branches, siblings and tips of its messages.

It is loaded once as ids and walked in memory, so the number of queries does not depend on its depth.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

from chat.models import Conversation, Message

type Position = tuple[int | None, str]  # a parent and a role


@dataclass(frozen=True)
class Tree:
    """The ids of a conversation's messages, in their order, each with its parent and its role."""

    nodes: dict[int, Position] = field(default_factory=dict)

    @classmethod
    def of(cls, conversation_id: int) -> Self:
        """Load the tree of a conversation."""
        rows = Message.objects.filter(conversation_id=conversation_id).order_by("pk")
        return cls({pk: (parent, role) for pk, parent, role in rows.values_list("pk", "parent_id", "role")})

    def branch(self, head_id: int | None) -> list[int]:
        """Return the messages from the first one to this one; to the newest if this one is unknown."""
        found = []
        at = head_id if head_id in self.nodes else self._newest
        while at is not None:
            found.append(at)
            at = self.nodes[at][0]
        return found[::-1]

    def siblings(self, message_id: int) -> list[int]:
        """Return the messages with the same parent and role, this one included, oldest first."""
        return self._by_position[self.nodes[message_id]]

    def tip(self, message_id: int) -> int:
        """Return the latest descendant of a message, or the message itself."""
        below, latest = {message_id}, message_id
        for pk, (parent, _) in self.nodes.items():  # parents come before their children
            if parent in below:
                below.add(pk)
                latest = pk
        return latest

    @property
    def _newest(self) -> int | None:
        return max(self.nodes, default=None)

    @cached_property
    def _by_position(self) -> dict[Position, list[int]]:
        found: dict[Position, list[int]] = {}
        for pk, place in self.nodes.items():
            found.setdefault(place, []).append(pk)
        return found


def shown(conversation: Conversation) -> list[Message]:
    """Return the shown branch, oldest first."""
    return load(Tree.of(conversation.pk).branch(conversation.head_id))


def load(message_ids: Iterable[int]) -> list[Message]:
    """Return these messages in this order, with the related rows that the API needs."""
    ids = list(message_ids)
    found = Message.objects.select_related("profile", "transcript").in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]
