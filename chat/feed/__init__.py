"""Events that sockets receive, and their broadcast between processes. Imports models."""
