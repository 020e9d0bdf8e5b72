"""Calling a tool by its name: the way to one that no skill knows, such as an MCP server's."""

import json
import re
from collections import Counter
from typing import Any

from agents.offline.assistant.formatting import count, fenced, format_error
from agents.offline.assistant.intent import IntentRequest
from agents.offline.request import OfflineRequest
from agents.offline.script import Call, Script
from agents.offline.scripted import sample_input
from stagent.lib.text import shorten


def call(wish: IntentRequest) -> Script:
    """Call it with what was given, and show what it says."""
    name = wish.words["tool"]
    found = yield Call(name, arguments(wish, name), f"Calling `{name}`.")
    return (
        format_error(f"call `{name}`", found) if found.failed else f"`{name}` says:\n\n{fenced(found.text)}"
    )


def arguments(wish: IntentRequest, name: str) -> dict[str, Any]:
    """Read JSON as it is, words as the first text that the tool wants; where nothing is given, make it up."""
    given, tool = wish.words.get("given", ""), wish.ask.offered.get(name, {})
    try:
        said = json.loads(given)
    except ValueError:
        said = None
    if isinstance(said, dict):
        return said
    made_up = sample_input(tool, 1)
    properties = tool.get("input_schema", {}).get("properties", {})
    texts = [each for each in made_up if properties.get(each, {}).get("type") == "string"]
    return made_up | {texts[0]: given} if given and texts else made_up


def ask(wish: IntentRequest) -> Script:
    """Ask what is to be asked, and say what the answer was."""
    question = wish.words["question"]
    question = question[:1].upper() + question[1:]
    result = yield Call("ask_person", {"question": question}, "I will ask, and wait for the answer.")
    if result.failed:
        return format_error("get an answer", result)
    return f"The answer to “{question}” is: {result.text}"


LONG_ENOUGH = 40  # words; fewer need no summary
COMMON_WORDS = """
    the and but for with from are was were been its this that these those not you she they them his her
    our your their then than there here have has had does did will would can could should may might about
    into over under out down more most all any each which who what when how also just only very too
"""
COMMON = set(COMMON_WORDS.split())

ABILITIES = {
    "list_schedules": "“list my schedules”, “what runs next”",
    "get_schedule": "“explain Nightly report”",
    "create_schedule": "“every weekday at 9 in Europe/Berlin summarise the failed runs”",
    "pause_schedule": "“pause Nightly report”, “resume Nightly report”",
    "run_schedule": "“run Nightly report now”",
    "cancel_run": "“cancel the run of Nightly report”",
    "list_runs": "“what failed and why”, “show recent runs”",
    "forecast": "“what runs tonight”, “how busy is tomorrow”",
    "read_file": "“read notes.md”, “summarise notes.md”",
    "write_file": "“write a note to notes.md saying buy milk”",
    "http_get": "“fetch https://example.com”",
    "ask_person": "“ask me: which one?”",
    "report": "“check https://example.com and report if it changed”",
}

CANNOT_SEE = "I can read texts, a little; pictures I cannot see. A real model could."


def introduce(wish: IntentRequest) -> str:
    """Say who answers and what may be asked."""
    return f"Hello. I am the small model built into Stagent, for work without a key.\n\n{abilities(wish.ask)}"


def digest(wish: IntentRequest) -> str:
    """Sum up a text that was given; otherwise say what can be asked."""
    read = "\n\n".join(each.text for each in wish.ask.files if each.text)
    body = wish.words.get("body") or read or material(wish.text)
    if len(body.split()) >= LONG_ENOUGH or wish.words.get("body"):
        return f"The text has {figures(body)}\n\n{gist(body)}"
    if wish.ask.files and not wish.text:
        return CANNOT_SEE
    limits = "I cannot reason freely about that; a real model could."
    return f"I read {figures(body)} {limits}\n\n{abilities(wish.ask)}"


def material(text: str) -> str:
    """Return what an instruction is about: the paragraphs after it, or all of it."""
    _, _, rest = text.partition("\n\n")
    return rest.strip() or text


def abilities(ask: OfflineRequest) -> str:
    """Give examples for the tools that are at hand."""
    examples = [f"- {example}" for tool, example in ABILITIES.items() if tool in ask.offered]
    if not examples:
        return "No tools are offered here, so all I can do is sum up a text that you paste: “summarise: …”."
    return "Here you can ask me, for example:\n\n" + "\n".join(examples)


def figures(text: str) -> str:
    """Count a text: "120 words in 8 sentences."."""
    words, found = len(text.split()), len(sentences(text))
    return f"{count(words, 'word')} in {count(found, 'sentence')}."


def gist(text: str, most: int = 3) -> str:
    """Pick the sentences that say most, in their order, and the words that come up most."""
    weights = Counter(terms(text))
    parts = sentences(text)
    ranked = sorted(range(len(parts)), key=lambda place: (-weight(parts[place], weights), place))
    kept = "\n".join(f"- {shorten(parts[place], 300)}" for place in sorted(ranked[:most]))
    often = ", ".join(f"{word} ({times})" for word, times in weights.most_common(5) if times > 1)
    return "\n\n".join(filter(None, [kept, f"Most used words: {often}." if often else ""]))


def sentences(text: str) -> list[str]:
    """Split a text into sentences and lines."""
    found = re.split(r"(?<=[.!?])\s+|\n+", text)
    return [" ".join(part.split()).lstrip("-*#> ") for part in found if re.search(r"\w", part)]


def terms(text: str) -> list[str]:
    """Return the words that carry meaning."""
    return [word for word in re.findall(r"[^\W\d_]{3,}", text.lower()) if word not in COMMON]


def weight(sentence: str, weights: Counter[str]) -> float:
    """Weigh a sentence by how often its words come up, long ones at no advantage."""
    found = terms(sentence)
    return sum(weights[word] for word in found) / (len(found) + 5)
