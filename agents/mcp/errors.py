"""What may be wrong with a server, in words for a model and more of them for a person."""

from stagent.lib.text import sentence


class McpError(Exception):
    """A server cannot be used; the message is fit for a model, `detail` is for the operators only."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail

    def add(self, detail: str) -> None:
        """Add what was learned later."""
        self.detail = f"{sentence(self.detail)} {detail}".strip()

    @property
    def whole(self) -> str:
        """All of it, for the operators."""
        return f"{sentence(str(self))} {self.detail}".strip()


class ErrorAnswer(McpError):
    """The server answered with a JSON-RPC error: it is well, and its words are the result of the call."""


class ConnectionLost(McpError):
    """The server went away; the next call starts it anew."""
