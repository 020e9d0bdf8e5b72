"""The offline model: a Messages-API server that lives inside the SDK's own HTTP client.

It sees what a real server sees, the HTTP request, and nothing else: no database, no settings.
Import `agents.offline.transport` late; it pulls in httpx2.
"""
