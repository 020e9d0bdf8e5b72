"""The words and the state machine of messages, as data: names here, arrows in `ARROWS`."""

from django.db import models


class Role(models.TextChoices):
    USER = "user"
    ASSISTANT = "assistant"


class MessageStatus(models.TextChoices):
    """What has become of a message; a person's own is complete when it is stored."""

    PENDING = "pending"  # nobody works on it: its turn has not come, or it waits for a person's answer
    STREAMING = "streaming"  # somebody works on it, under a lease
    COMPLETE = "complete"
    STOPPED = "stopped"  # a person asked for it
    INTERRUPTED = "interrupted"  # whoever worked on it is gone
    ERROR = "error"  # `reason` says which


class FileKind(models.TextChoices):
    """What a model can make of a file."""

    IMAGE = "image"  # it sees it
    TEXT = "text"  # it reads it
    PDF = "pdf"  # it sees and reads it, where the provider takes documents


FINISHED = (MessageStatus.COMPLETE, MessageStatus.STOPPED, MessageStatus.INTERRUPTED, MessageStatus.ERROR)
UNFINISHED = (MessageStatus.PENDING, MessageStatus.STREAMING)

# Every arrow of a reply and the one function of `chat.transitions` that walks it.
ARROWS = (
    ("", MessageStatus.PENDING, "accept"),
    (MessageStatus.PENDING, MessageStatus.STREAMING, "claim"),
    (MessageStatus.STREAMING, MessageStatus.PENDING, "park"),
    (MessageStatus.PENDING, MessageStatus.STOPPED, "finalise"),
    (MessageStatus.STREAMING, MessageStatus.COMPLETE, "finalise"),
    (MessageStatus.STREAMING, MessageStatus.STOPPED, "finalise"),
    (MessageStatus.STREAMING, MessageStatus.INTERRUPTED, "finalise"),
    (MessageStatus.STREAMING, MessageStatus.ERROR, "finalise"),
    ("", MessageStatus.COMPLETE, "deliver"),
)


class Reason(models.TextChoices):
    """How a stream ended where no failure did it; a failed one has its FailureReason."""

    COMPLETED = "completed"
    CLIENT_STOP = "client_stop"
    RECONCILED = "reconciled"
    SHUTDOWN = "shutdown"


NEWS_MESSAGE, NEWS_SETTLED, NEWS_CONVERSATION = "message", "settled", "conversation"
