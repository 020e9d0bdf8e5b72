"""The agents app in the console: profiles, approvals, budgets, the ledger, providers and MCP servers."""

from agents.admin.approvals import ApprovalAdmin
from agents.admin.budgets import BudgetAdmin
from agents.admin.ledger import LedgerEntryAdmin, ModelPriceAdmin
from agents.admin.mcp_servers import McpServerAdmin
from agents.admin.profiles import ProfileAdmin, ProjectAdmin
from agents.admin.providers import ProviderAdmin
from agents.admin.standing_approvals import StandingApprovalAdmin

__all__ = [
    "ApprovalAdmin",
    "BudgetAdmin",
    "LedgerEntryAdmin",
    "McpServerAdmin",
    "ModelPriceAdmin",
    "ProfileAdmin",
    "ProjectAdmin",
    "ProviderAdmin",
    "StandingApprovalAdmin",
]  # fmt: skip
