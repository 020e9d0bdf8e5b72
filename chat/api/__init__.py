"""Conversations and messages over HTTP, for their owner only.

`asking` says what comes in and the rows what goes out; `stagent.api` mounts the `routes`.
"""
