"""Tables: profiles, providers, transcripts, ledger, approvals, MCP servers. Imports protocol and states."""

from agents.models.approval import Approval
from agents.models.ledger import Budget, LedgerEntry, ModelPrice
from agents.models.live_stream import LiveStream, StreamRecord
from agents.models.mcp_server import McpServer, McpTool
from agents.models.profile import Profile, Project
from agents.models.provider import Provider
from agents.models.standing_approval import StandingApproval
from agents.models.transcript import Event, Transcript

__all__ = [
    "Approval",
    "Budget",
    "Event",
    "LedgerEntry",
    "LiveStream",
    "McpServer",
    "McpTool",
    "ModelPrice",
    "Profile",
    "Project",
    "Provider",
    "StandingApproval",
    "StreamRecord",
    "Transcript",
]
