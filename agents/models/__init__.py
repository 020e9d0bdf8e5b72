from agents.models.activity import LiveStream, StreamRecord
from agents.models.approval import Question
from agents.models.ledger import Budget, LedgerEntry, ModelPrice
from agents.models.mcp_server import McpServer, McpTool
from agents.models.profile import Profile, Project
from agents.models.provider import Provider
from agents.models.standing_approval import Leave
from agents.models.transcript import Event, Transcript

__all__ = [
    "Budget",
    "Event",
    "Leave",
    "LedgerEntry",
    "LiveStream",
    "McpServer",
    "McpTool",
    "ModelPrice",
    "Profile",
    "Project",
    "Provider",
    "Question",
    "StreamRecord",
    "Transcript",
]
