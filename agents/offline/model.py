"""The behaviour of the offline model: its next reply to a request and its directive."""

from dataclasses import replace
from typing import Any

from agents.offline import scripted
from agents.offline.assistant.formatting import describe_files, format_result
from agents.offline.assistant.skills import select_script
from agents.offline.directives import Directive, strip_directives
from agents.offline.reply import OfflineReply, apply_limits, text_reply, tool_reply
from agents.offline.request import OfflineRequest
from agents.offline.script import Call, play

FOOTER = "— offline model (no API key set)"

REFUSAL = {
    "type": "refusal",
    "category": "general_harms",
    "explanation": "The directive requested a refusal.",
}


def generate_reply(request: OfflineRequest, directive: Directive) -> OfflineReply:
    """Return the next reply, within the limits of the request."""
    if directive.refusal:
        return OfflineReply((), "refusal", stop_details=REFUSAL)
    if directive.empty:
        return OfflineReply()
    reply = apply_limits(next_reply(request, directive), request.max_tokens, request.stop_sequences)
    return apply_stop_reason(request, reply, directive)


def next_reply(request: OfflineRequest, directive: Directive) -> OfflineReply:
    """Return the reply for the next action, with the tool choice applied."""
    action = next_action(request, directive)
    if isinstance(action, str):
        return forced_call(request) or answer(request, action, directive)
    if request.must_answer:
        return answer(request, partial_answer(request, action), directive)
    return tool_reply(apply_tool_choice(request, action))


def next_action(request: OfflineRequest, directive: Directive) -> list[Call] | str:
    """Return the next tool calls, or the answer, from the directive's script or a skill."""
    if scripted.is_scripted(directive):
        return scripted.scripted_action(request, directive)
    return play(select_script(request, strip_directives(request.text)), request.steps, request.offered)


def answer(request: OfflineRequest, text: str, directive: Directive) -> OfflineReply:
    """Return the final reply: attached files, text and footer."""
    if directive.tokens:
        return scripted.filler(directive.tokens)
    return text_reply("\n\n".join(filter(None, (describe_files(request.files), text, FOOTER))))


def forced_call(request: OfflineRequest) -> OfflineReply | None:
    """Return the call that the tool choice requires although the script is finished."""
    if request.tool_choice["type"] not in ("any", "tool"):
        return None
    return tool_reply(apply_tool_choice(request, []))


def apply_tool_choice(request: OfflineRequest, calls: list[Call]) -> list[Call]:
    """Keep the calls that the tool choice allows; add one if it requires another."""
    kind, name = request.tool_choice["type"], request.tool_choice.get("name", "")
    allowed = [call for call in calls if kind != "tool" or call.name == name]
    if not allowed and kind in ("any", "tool"):
        name = name or scripted.pick_tool(request)
        allowed = [Call(name, scripted.sample_input(request.offered[name], request.turn))]
    return allowed[:1] if request.tool_choice.get("disable_parallel_tool_use") else allowed


def partial_answer(request: OfflineRequest, undone: list[Call]) -> str:
    """Return an answer from the results so far, if no more tools can be called."""
    results = [
        f"- `{name}`: {format_result(result)}"
        for step in request.steps
        for name, result in zip(step.names, step.results, strict=True)
    ]
    pending = ", ".join(dict.fromkeys(f"`{call.name}`" for call in undone))
    lines = [f"I have to answer now, at turn {request.turn}, so the work is incomplete.", ""]
    lines += ["Results so far:", "", *results[-5:]] if results else ["There are no results yet."]
    return "\n".join([*lines, "", f"Not done: {pending}."])


def apply_stop_reason(request: OfflineRequest, reply: OfflineReply, directive: Directive) -> OfflineReply:
    """Set the stop_reason of the directive: on the answer, or on the turn that `at` names."""
    if not directive.stop or (reply.stop_reason == "tool_use" and directive.at != request.turn):
        return reply
    if directive.stop == "max_tokens" and reply.stop_reason == "tool_use":
        reply = apply_limits(reply, max(1, reply.tokens // 2), [])
    return replace(reply, stop_reason=directive.stop)


NAME = "stagent-offline"


def model_list() -> dict[str, Any]:
    """Return the list with the one model."""
    return {"data": [model_info(NAME)], "has_more": False, "first_id": NAME, "last_id": NAME}


def model_info(name: str) -> dict[str, Any]:
    """Return the model under the requested name."""
    return {
        "type": "model",
        "id": name,
        "display_name": "Stagent's offline model",
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": 1_000_000,
        "max_tokens": 128_000,
    }
