"""The two safety rules of a lease, as shares of its TTL. Runs, replies and cluster jobs use them.

A lease is renewed every quarter of its TTL, so a worker misses two renewals before either rule applies.
"""

import time

RENEW_SHARE = 0.25
# A loop that has run no callback for half the TTL gets no renewal: its leases expire half a TTL later, and
# another worker takes over within 1.5 TTL of the last heartbeat.
SILENT_SHARE = 0.5
# A job whose lease is unconfirmed for 0.8 of the TTL stops itself. The other 0.2 (12 s of 60) is for the
# cancellation to reach a tool's process and for the clocks of two hosts to differ by 5 s.
STOP_SHARE = 0.8
GUARD_SEC = 0.25  # between two checks of the unconfirmed leases


def is_silent(beat_at: float, ttl_sec: float, now: float | None = None) -> bool:
    """Return whether a loop with this last heartbeat may not have its leases renewed. Monotonic seconds."""
    return (time.monotonic() if now is None else now) - beat_at > SILENT_SHARE * ttl_sec


def must_stop(confirmed_at: float, ttl_sec: float, now: float | None = None) -> bool:
    """Return whether a job whose lease was last confirmed then has to stop. Monotonic seconds."""
    return (time.monotonic() if now is None else now) - confirmed_at > STOP_SHARE * ttl_sec
