"""Schedules, firings and runs over HTTP.

`asking` reads what comes in and `rows` says what goes out, both shared with the agents' tools; the
other modules are routers, which `stagent.api` mounts.
"""
