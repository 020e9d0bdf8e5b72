"""Errors of MCP servers."""

from stagent.lib.text import sentence


class McpError(Exception):
    """A server failed; the message is for the model, `detail` is for operators only."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail

    def add_detail(self, detail: str) -> None:
        self.detail = f"{sentence(self.detail)} {detail}".strip()

    @property
    def full_text(self) -> str:
        """Message and detail, for operators."""
        return f"{sentence(str(self))} {self.detail}".strip()


class ErrorAnswer(McpError):
    """The server returned a JSON-RPC error: it works, and the error is the result of the call."""


class ConnectionLost(McpError):
    """The connection was lost; the next call opens a new one."""
