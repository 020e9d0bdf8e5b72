"""What asking would come to, before a word is added: how much the model reads, at which price. A guess."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agents.engine.assignment import model_of
from agents.mcp.connections import Connections
from agents.mcp.tool_adapter import offer
from agents.models import Profile
from agents.protocol.media import weight
from agents.protocol.usage import estimate, size
from agents.spending.prices import Price, price
from agents.tools import registry


@dataclass(frozen=True)
class Estimate:
    """The tokens of the first request of an answer, and who would read them at which price."""

    tokens: int
    model: str
    price: Price


def estimate_request(profile: Profile, context: Sequence[dict[str, Any]], extra_system: str = "") -> Estimate:
    """Guess what an agent reads: what it is told to be, its tools, what was said before."""
    offered = offer(profile)
    foreign = [tool for tool, _ in offered.bind(Connections())]
    tools = registry.params([*registry.offered(profile.tools, profile.permissions), *foreign])
    system = [profile.instructions, extra_system, offered.notice]
    provider, model = model_of(profile)
    return Estimate(estimate(size([system, tools]) + weight(context)), model, price(model, provider))
