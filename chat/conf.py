"""The chat's settings, read when asked for, so that a test may override them."""

from datetime import timedelta

from django.conf import settings

MAX_TEXT_CHARS = 200_000  # of one message
MAX_FRAME_BYTES = 64 * 1024  # of what a socket takes at once; longer texts go over HTTP
MAX_FRAMES_PER_SEC = 20
MAX_SOCKETS_PER_USER = 20
MAX_TURNS = 50  # agent steps of one reply whose profile sets no limit
MAX_REPLY_SEC = 1800  # wall clock of one reply, waits for a person left out
MAX_QUEUED = 20  # unfinished replies in one conversation


def lease_ttl() -> timedelta:
    """Return how long a reply is its worker's without renewal; renewed every quarter of it."""
    return timedelta(seconds=settings.CHAT_LEASE_TTL_SEC)
