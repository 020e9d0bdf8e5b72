"""Schedules, firings and runs over HTTP.

`schemas` holds requests and rows, shared with the agents' tools; the other modules are routers, mounted by
`stagent.api`.
"""
