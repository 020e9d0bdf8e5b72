"""The offline model: a Messages API server inside the SDK's own HTTP client.

It sees only the HTTP request, like a real server: no database, no settings.
Import `agents.offline.transport` late: it imports httpx2.
"""
