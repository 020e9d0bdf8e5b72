"""The chat's settings, read on each call so that tests can override them."""

from datetime import timedelta

from django.conf import settings

from chat.states import FileKind

MIB = 2**20  # bytes

MAX_TEXT_CHARS = 200_000  # of one message
MAX_FRAME_BYTES = 64 * 1024  # of one frame; longer texts are sent over HTTP
MAX_FRAMES_PER_SEC = 20
MAX_SOCKETS_PER_USER = 20
MAX_TURNS = 50  # agent steps of one reply whose profile sets no limit
MAX_REPLY_SEC = 1800  # wall clock of one reply, without waits for approval
MAX_QUEUED = 20  # unfinished replies in one conversation

# Files. Providers take pictures of 5 MiB as base64, and requests of 32 MB. The page makes pictures smaller.
MAX_FILE_BYTES = {FileKind.IMAGE: 15 * MIB // 4, FileKind.TEXT: MIB, FileKind.PDF: 10 * MIB}
MAX_PICTURE_PIXELS = 8000  # wide, and high
MAX_FILES = 10  # with one message
MAX_SENT_BYTES = 20 * MIB  # of the files of one message, and of all that one request brings along
MAX_SENT_PICTURES = 20  # in one request: of more, providers take only small ones
MAX_STORED_BYTES = 1024 * MIB  # of all files of one person
UNSENT_RETENTION = timedelta(days=3)  # a file that was uploaded and never sent

RESTORABLE = timedelta(days=30)  # how long a conversation in the trash can be restored


def lease_ttl() -> timedelta:
    """Return how long a lease is valid without renewal; it is renewed every quarter of it."""
    return timedelta(seconds=settings.CHAT_LEASE_TTL_SEC)
