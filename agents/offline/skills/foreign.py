"""Calling a tool by its name: the way to one that no skill knows, such as an MCP server's."""

import json
from typing import Any

from agents.offline.drills import sample_input
from agents.offline.script import Call, Script
from agents.offline.skills.files import fenced
from agents.offline.telling import sorry
from agents.offline.wish import Wish


def call(wish: Wish) -> Script:
    """Call it with what was given, and show what it says."""
    name = wish.words["tool"]
    found = yield Call(name, arguments(wish, name), f"Calling `{name}`.")
    return sorry(f"call `{name}`", found) if found.failed else f"`{name}` says:\n\n{fenced(found.text)}"


def arguments(wish: Wish, name: str) -> dict[str, Any]:
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
