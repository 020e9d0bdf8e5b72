"""The two safety rules of a lease, as shares of its time to live. Runs, replies and cluster jobs use them.

A lease is renewed every quarter of its TTL, so a worker misses two renewals before either rule applies.
"""

import time

RENEW_SHARE = 0.25
# A loop that has run no callback for half the TTL is not renewed: what it holds lapses half a TTL later, and
# another worker takes over within 1.5 TTL of the last sign of life.
SILENT_SHARE = 0.5
# A job whose lease is unconfirmed for 0.8 of the TTL stops itself. The other 0.2 (12 s of 60) is for the
# cancellation to reach a tool's process and for the clocks of two hosts to differ by 5 s.
STOP_SHARE = 0.8
GUARD_SEC = 0.25  # between two looks at the unconfirmed leases


def is_silent(heard_at: float, ttl_sec: float, now: float | None = None) -> bool:
    """Tell whether a loop that was last heard then may not have its leases renewed. Monotonic seconds."""
    return (time.monotonic() if now is None else now) - heard_at > SILENT_SHARE * ttl_sec


def is_doubtful(confirmed_at: float, ttl_sec: float, now: float | None = None) -> bool:
    """Tell whether a job whose lease was last confirmed then has to stop itself. Monotonic seconds."""
    return (time.monotonic() if now is None else now) - confirmed_at > STOP_SHARE * ttl_sec
