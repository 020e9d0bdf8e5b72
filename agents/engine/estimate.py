"""Estimates the size and price of a request before the user writes a word."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agents.engine.assignment import model_of
from agents.mcp.connections import Connections
from agents.mcp.tool_adapter import offer
from agents.models import Profile
from agents.protocol.media import count_prompt_chars
from agents.protocol.usage import count_chars, estimate_tokens
from agents.spending.prices import Price, price
from agents.tools import registry


@dataclass(frozen=True)
class Estimate:
    """The tokens of the first request, and the model and price that apply."""

    tokens: int
    model: str
    price: Price


def estimate_request(
    profile: Profile, messages: Sequence[dict[str, Any]], extra_system: str = ""
) -> Estimate:
    """Estimate a request: instructions, tools and earlier messages."""
    offered = offer(profile)
    mcp_tools = [tool for tool, _ in offered.bind(Connections())]
    tools = registry.params([*registry.offered(profile.tools, profile.permissions), *mcp_tools])
    system = [profile.instructions, extra_system, offered.notice]
    provider, model = model_of(profile)
    return Estimate(
        estimate_tokens(count_chars([system, tools]) + count_prompt_chars(messages)),
        model,
        price(model, provider),
    )
