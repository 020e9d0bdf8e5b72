"""General skills: call a tool by name, ask a person, help and summaries."""

import json
import re
from collections import Counter
from typing import Any

from agents.offline.assistant.formatting import count, fenced, format_error
from agents.offline.assistant.intents import IntentRequest
from agents.offline.request import OfflineRequest
from agents.offline.script import Call, Script
from agents.offline.scripted import sample_input
from stagent.lib.text import shorten


def call_tool(intent: IntentRequest) -> Script:
    """Call any tool by name, such as one of an MCP server, and show its result."""
    name = intent.params["tool"]
    result = yield Call(name, arguments(intent, name), f"Calling `{name}`.")
    return (
        format_error(f"call `{name}`", result)
        if result.failed
        else f"`{name}` returned:\n\n{fenced(result.text)}"
    )


def arguments(intent: IntentRequest, name: str) -> dict[str, Any]:
    """Return the given JSON, or a sample input with the given text as its first string."""
    text, tool = intent.params.get("given", ""), intent.request.offered.get(name, {})
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    if isinstance(parsed, dict):
        return parsed
    sample = sample_input(tool, 1)
    properties = tool.get("input_schema", {}).get("properties", {})
    texts = [each for each in sample if properties.get(each, {}).get("type") == "string"]
    return sample | {texts[0]: text} if text and texts else sample


def ask_person(intent: IntentRequest) -> Script:
    """Ask a person a question and return the answer."""
    question = intent.params["question"]
    question = question[:1].upper() + question[1:]
    result = yield Call("ask_person", {"question": question}, "I will ask, and wait for the answer.")
    if result.failed:
        return format_error("get an answer", result)
    return f"The answer to “{question}” is: {result.text}"


MIN_SUMMARY_WORDS = 40
STOP_WORDS_TEXT = """
    the and but for with from are was were been its this that these those not you she they them his her
    our your their then than there here have has had does did will would can could should may might about
    into over under out down more most all any each which who what when how also just only very too
"""
STOP_WORDS = set(STOP_WORDS_TEXT.split())

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

GREETING = "Hello. I am the small model built into Stagent, for use without an API key."
CANNOT_SEE = "I can read text files, but not images or other files. A real model could."


def introduce(intent: IntentRequest) -> str:
    """Return a greeting and examples."""
    return f"{GREETING}\n\n{abilities(intent.request)}"


def digest(intent: IntentRequest) -> str:
    """Summarise the given text, or return examples of requests."""
    attached = "\n\n".join(each.text for each in intent.request.files if each.text)
    body = intent.params.get("body") or attached or material(intent.text)
    if len(body.split()) >= MIN_SUMMARY_WORDS or intent.params.get("body"):
        return f"The text has {figures(body)}\n\n{gist(body)}"
    if intent.request.files and not intent.text:
        return CANNOT_SEE
    limits = "I cannot answer that; a real model could."
    return f"I read {figures(body)} {limits}\n\n{abilities(intent.request)}"


def material(text: str) -> str:
    """Return the paragraphs after the instruction, or the whole text."""
    _, _, rest = text.partition("\n\n")
    return rest.strip() or text


def abilities(request: OfflineRequest) -> str:
    """Return examples for the offered tools."""
    examples = [f"- {example}" for tool, example in ABILITIES.items() if tool in request.offered]
    if not examples:
        return "No tools are offered here. I can only summarise a text that you paste: “summarise: …”."
    return "Here you can ask me, for example:\n\n" + "\n".join(examples)


def figures(text: str) -> str:
    """Return the size of a text: "120 words in 8 sentences."."""
    words, items = len(text.split()), len(sentences(text))
    return f"{count(words, 'word')} in {count(items, 'sentence')}."


def gist(text: str, limit: int = 3) -> str:
    """Return the most relevant sentences in order, and the most frequent words."""
    weights = Counter(terms(text))
    parts = sentences(text)
    ranked = sorted(range(len(parts)), key=lambda index: (-weight(parts[index], weights), index))
    best = "\n".join(f"- {shorten(parts[index], 300)}" for index in sorted(ranked[:limit]))
    frequent = ", ".join(f"{word} ({times})" for word, times in weights.most_common(5) if times > 1)
    return "\n\n".join(filter(None, [best, f"Most used words: {frequent}." if frequent else ""]))


def sentences(text: str) -> list[str]:
    """Split a text into sentences and lines."""
    items = re.split(r"(?<=[.!?])\s+|\n+", text)
    return [" ".join(part.split()).lstrip("-*#> ") for part in items if re.search(r"\w", part)]


def terms(text: str) -> list[str]:
    """Return the words without stop words."""
    return [word for word in re.findall(r"[^\W\d_]{3,}", text.lower()) if word not in STOP_WORDS]


def weight(sentence: str, weights: Counter[str]) -> float:
    """Return the average frequency of the words of a sentence."""
    items = terms(sentence)
    return sum(weights[word] for word in items) / (len(items) + 5)
