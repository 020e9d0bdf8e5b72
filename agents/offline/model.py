"""The offline model's mind: what it says or asks for next, given a request and its orders."""

from dataclasses import replace
from typing import Any

from agents.offline import scripted
from agents.offline.assistant.formatting import format_result, handed
from agents.offline.assistant.skills import skill_for
from agents.offline.directives import Orders, without_directives
from agents.offline.reply import OfflineReply, ask_for, fit, say
from agents.offline.request import OfflineRequest
from agents.offline.script import Call, play

FOOTER = "— offline model (no API key set)"

REFUSAL = {
    "type": "refusal",
    "category": "general_harms",
    "explanation": "The offline model was told to refuse.",
}


def reply_to(ask: OfflineRequest, orders: Orders) -> OfflineReply:
    """Return the next reply, cut to what the request allows."""
    if orders.refusal:
        return OfflineReply((), "refusal", stop_details=REFUSAL)
    if orders.empty:
        return OfflineReply()
    reply = fit(next_reply(ask, orders), ask.max_tokens, ask.stop_sequences)
    return stopped(ask, reply, orders)


def next_reply(ask: OfflineRequest, orders: Orders) -> OfflineReply:
    """Take the next step and obey the tool choice."""
    move = next_move(ask, orders)
    if isinstance(move, str):
        return forced(ask) or answer(ask, move, orders)
    if ask.must_answer:
        return answer(ask, so_far(ask, move), orders)
    return ask_for(chosen(ask, move))


def next_move(ask: OfflineRequest, orders: Orders) -> list[Call] | str:
    """Choose between a drill and honest work, and take it one step on."""
    if scripted.has_script(orders):
        return scripted.drill(ask, orders)
    return play(skill_for(ask, without_directives(ask.text)), ask.steps, ask.offered)


def answer(ask: OfflineRequest, text: str, orders: Orders) -> OfflineReply:
    """Say the last word, which files were looked at for it, and who says it."""
    if orders.tokens:
        return scripted.filler(orders.tokens)
    return say("\n\n".join(filter(None, (handed(ask.files), text, FOOTER))))


def forced(ask: OfflineRequest) -> OfflineReply | None:
    """Return the call that the request insists on where there is nothing left to ask."""
    if ask.tool_choice["type"] not in ("any", "tool"):
        return None
    return ask_for(chosen(ask, []))


def chosen(ask: OfflineRequest, calls: list[Call]) -> list[Call]:
    """Keep the calls that the tool choice allows; make one where it demands another."""
    kind, name = ask.tool_choice["type"], ask.tool_choice.get("name", "")
    wanted = [call for call in calls if kind != "tool" or call.name == name]
    if not wanted and kind in ("any", "tool"):
        name = name or scripted.harmless_tool(ask)
        wanted = [Call(name, scripted.sample_input(ask.offered[name], ask.turn))]
    return wanted[:1] if ask.tool_choice.get("disable_parallel_tool_use") else wanted


def so_far(ask: OfflineRequest, undone: list[Call]) -> str:
    """Answer with what is known when no more tools may be called."""
    known = [
        f"- `{name}`: {format_result(result)}"
        for step in ask.steps
        for name, result in zip(step.names, step.results, strict=True)
    ]
    left = ", ".join(dict.fromkeys(f"`{call.name}`" for call in undone))
    lines = [f"I have to answer now, at turn {ask.turn}, so this is only part of the work.", ""]
    lines += ["What I learned:", "", *known[-5:]] if known else ["I have learned nothing yet."]
    return "\n".join([*lines, "", f"Not done: {left}."])


def stopped(ask: OfflineRequest, reply: OfflineReply, orders: Orders) -> OfflineReply:
    """Give the reply the stop_reason that was ordered: the answer, or the turn that `at` names."""
    if not orders.stop or (reply.stop_reason == "tool_use" and orders.at != ask.turn):
        return reply
    if orders.stop == "max_tokens" and reply.stop_reason == "tool_use":
        reply = fit(reply, max(1, reply.tokens // 2), [])
    return replace(reply, stop_reason=orders.stop)


NAME = "stagent-offline"


def page() -> dict[str, Any]:
    """List the one model there is."""
    return {"data": [info(NAME)], "has_more": False, "first_id": NAME, "last_id": NAME}


def info(name: str) -> dict[str, Any]:
    """Describe the model under the name that was asked for."""
    return {
        "type": "model",
        "id": name,
        "display_name": "Stagent's offline model",
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": 1_000_000,
        "max_tokens": 128_000,
    }
