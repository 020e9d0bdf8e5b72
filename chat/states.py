"""The enums and the state machine of messages; `ARROWS` lists the transitions."""

from django.db import models


class Role(models.TextChoices):
    USER = "user"
    ASSISTANT = "assistant"


class MessageStatus(models.TextChoices):
    """The status of a message; a user's message is complete when it is stored."""

    PENDING = "pending"  # no worker: it is queued, or waits for an approval
    STREAMING = "streaming"  # a worker holds its lease
    COMPLETE = "complete"
    STOPPED = "stopped"  # by the user
    INTERRUPTED = "interrupted"  # its worker is gone
    ERROR = "error"  # `reason` has the cause


class FileKind(models.TextChoices):
    """How a file is sent to a model."""

    IMAGE = "image"
    TEXT = "text"
    PDF = "pdf"  # as a document, if the provider accepts documents


FINISHED = (MessageStatus.COMPLETE, MessageStatus.STOPPED, MessageStatus.INTERRUPTED, MessageStatus.ERROR)
UNFINISHED = (MessageStatus.PENDING, MessageStatus.STREAMING)

# Every arrow of a reply and the one function of `chat.transitions` that performs it.
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
    """Why a reply ended without a failure; a failed one has a `FailureReason`."""

    COMPLETED = "completed"
    CLIENT_STOP = "client_stop"
    RECONCILED = "reconciled"
    LEASE_LOST = "lease_lost"
    SHUTDOWN = "shutdown"


FEED_MESSAGE, FEED_SETTLED, FEED_CONVERSATION = "message", "settled", "conversation"
