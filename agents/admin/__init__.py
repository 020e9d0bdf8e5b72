"""Agents in the console: who they are, what they spend, how their providers are doing."""

from agents.admin.budgets import BudgetAdmin
from agents.admin.leaves import LeaveAdmin
from agents.admin.ledger import LedgerEntryAdmin
from agents.admin.mcp_servers import McpServerAdmin
from agents.admin.prices import ModelPriceAdmin
from agents.admin.profiles import ProfileAdmin
from agents.admin.projects import ProjectAdmin
from agents.admin.providers import ProviderAdmin
from agents.admin.questions import QuestionAdmin

__all__ = [
    "BudgetAdmin", "LeaveAdmin", "LedgerEntryAdmin", "McpServerAdmin", "ModelPriceAdmin", "ProfileAdmin",
    "ProjectAdmin", "ProviderAdmin", "QuestionAdmin",
]  # fmt: skip
