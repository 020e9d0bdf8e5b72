"""What we compose is cut in one way, at the end, with a mark; what people type is not cut at all."""

import ast
import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

import pytest

from stagent.lib.names import clean_name, copy_name, name_fault
from stagent.lib.problems import Problem, clean_input
from stagent.lib.text import INVISIBLE, clip, is_blank, sentence, shorten, too_long, with_suffix
from tests.test_house import product

SIGNS = ["👩‍👩‍👧", "e\u0301", "👍🏽", "🇩🇪", "🏴\U000e0067\U000e0062\U000e007f", "क्‍ष", "❤️"]
FEW = 10  # characters: a shorter slice is a letter, a year or a mark
# Texts that are sliced for another reason than to fit, or that say themselves how much is left out.
ALLOWED = {
    ("agents/admin/profiles.py", "_free_slug"): "slugs hold letters only",
    ("agents/runtimes/error_text.py", "_strip_markup"): "how much is searched",
    ("agents/mcp/names.py", "build_name"): "a hash tells names apart",
    ("agents/mcp/results.py", "links_in"): "a list",
    ("agents/mcp/results.py", "read"): "a list",
    ("agents/protocol/media.py", "_decode_text"): "its mark says how much of it is there",
    ("agents/offline/assistant/skills/heartbeat.py", "select_check"): "how much is searched",
    ("agents/offline/assistant/timing.py", "find_timing"): "how much is searched",
    ("agents/offline/assistant/intents.py", "parse_intent"): "how much is searched",
    ("agents/runtimes/anthropic/message_builder.py", "add"): "the rest follows with the next piece",
    (
        "agents/runtimes/anthropic/valid_messages.py",
        "_valid_assistant_block",
    ): "names of tools hold letters only",
    ("agents/tools/invoke.py", "_sanitize"): "its mark says how much is left out",
    ("agents/tools/network/http_get.py", "_charset"): "bytes, how many are searched",
    ("chat/conversations/export.py", "file_name"): "slugs hold letters only",
    ("schedules/admin/runs/admin.py", "_start_retry"): "the key of a click",
    ("schedules/admin/schedules/commands.py", "run"): "the key of a click",
    ("schedules/schedule_file/match.py", "_made_of"): "slugs hold letters only",
    ("schedules/agent_tools/schemas.py", "run"): "its mark says how much is left out",
    ("stagent/ops/audit.py", "_short"): "its middle says how much is left out",
    ("stagent/lib/processes/process_id.py", "holder_id"): "a host's name, compared with itself",
    ("stagent/lib/processes/process_id.py", "is_dead"): "a host's name, compared with itself",
    ("stagent/lib/names.py", "_is_joiner"): "what stands before a character",
    ("stagent/lib/text.py", "clip"): "the one place",
}
MAKES_TEXT = {
    "str", "strip", "lstrip", "rstrip", "join", "format", "lower", "upper", "replace", "removeprefix",
    "removesuffix", "sub", "decode", "read_text", "get_username", "gethostname", "slugify", "repr",
    "capitalize",
}  # fmt: skip
TEXTUAL = {"CharField", "TextField", "SlugField", "URLField", "EmailField"}


def _named_texts(trees: list[ast.Module]) -> tuple[set[str], set[str]]:
    """Return the attributes and the functions of the product that are said to be texts."""
    fields: set[str] = set()
    functions: set[str] = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        match node:
            case ast.FunctionDef(name=name, returns=ast.Name(id="str")):
                functions.add(name)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Name(id="str")):
                fields.add(name)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Attribute(attr=kind))):
                fields |= {name} if kind in TEXTUAL else set()
    return fields, functions


def _is_text(node: ast.expr, known: set[str], fields: set[str], functions: set[str]) -> bool:
    match node:
        case ast.JoinedStr() | ast.Constant(value=str()):
            return True
        case ast.Name(id=name):
            return name in known
        case ast.Attribute(attr=name):
            return name in fields
        case ast.Call(func=ast.Attribute(attr="get"), args=[_, ast.Constant(value=str())]):
            return True
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in MAKES_TEXT | functions
        case ast.Subscript(value=ast.Call(func=ast.Attribute(attr="split" | "partition" | "splitlines"))):
            return not isinstance(node.slice, ast.Slice)
    return any(_is_text(part, known, fields, functions) for part in _parts(node))


def _parts(node: ast.expr) -> list[ast.expr]:
    match node:
        case ast.BoolOp(values=parts):
            return parts
        case ast.BinOp(left=one, op=ast.Add(), right=other) | ast.IfExp(body=one, orelse=other):
            return [one, other]
        case ast.NamedExpr(value=value):
            return [value]
    return []


def _known_in(function: ast.AST, fields: set[str], functions: set[str]) -> set[str]:
    """Return the names within a function that are texts: by annotation, or by what is assigned to them."""
    known: set[str] = set()
    for node in ast.walk(function):
        match node:
            case ast.arg(arg=name, annotation=ast.Name(id="str")):
                known.add(name)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Name(id="str")):
                known.add(name)
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.NamedExpr(target=ast.Name(id=name), value=value)
            ):
                known |= {name} if _is_text(value, known, fields, functions) else set()
    return known


type Cut = tuple[str, str, str]


def _cuts(path: str, tree: ast.Module, fields: set[str], functions: set[str]) -> Iterator[Cut]:
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        known = _known_in(function, fields, functions)
        for node in ast.walk(function):
            match node:
                case ast.Subscript(value=value, slice=ast.Slice(lower=None, upper=ast.expr() as upper)):
                    if _is_long(upper) and _is_text(value, known, fields, functions):
                        yield path, function.name, ast.unparse(node)


def _is_long(upper: ast.expr) -> bool:
    """Leave out slices to a place from the end, to a match, and of a few letters."""
    few = isinstance(upper, ast.Constant) and int(str(upper.value)) < FEW
    return not (few or isinstance(upper, ast.UnaryOp | ast.Call))


def test_texts_are_cut_in_one_place_only():
    trees = [(str(path), ast.parse(text)) for path, text in product()]
    fields, functions = _named_texts([tree for _, tree in trees])
    found = [cut for path, tree in trees for cut in _cuts(path, tree, fields, functions)]
    assert [cut for cut in found if cut[:2] not in ALLOWED] == [], "use `stagent.lib.text.clip` or `shorten`"
    assert {cut[:2] for cut in found} == set(ALLOWED), "an exception that nothing needs any more"


@pytest.mark.parametrize(
    ("code", "is_found"),
    [
        ("def f(text: str): return text[:100]", True),
        ("def f(text: str): return text[:MOST]", True),
        ("def f(error): return f'{error}'[:300]", True),
        ("def f(error): return str(error)[:300]", True),
        ("def f(run): return (run.detail or '')[:MOST]", True),
        ("def f(text: str): return text[:4]", False),
        ("def f(text: str): return text[:-1]", False),
        ("def f(rows: list): return rows[:100]", False),
    ],
)
def test_a_cut_elsewhere_is_found(code, is_found):
    assert bool(list(_cuts("x.py", ast.parse(code), {"detail"}, set()))) is is_found


# Texts of ours that stand before another sentence; what others said goes through `sentence`.
WHOLE_SENTENCES = {"RECURRING_CHECK", "partial", "STEP_IS", "begins", "warning['message']", "taken"}


def _glued(tree: ast.Module) -> Iterator[str]:
    """Return what stands in an f-string right before another sentence, and may lack its full stop."""
    for text in (node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)):
        for before, after in pairwise(text.values):
            match before, after:
                case ast.FormattedValue(value=value), ast.Constant(value=str(words)):
                    said = ast.unparse(value)
                    if re.match(r" [A-Z][a-z]+ [a-z]", words) and not said.startswith("sentence("):
                        yield said


def test_no_sentences_are_glued_together():
    found = {said for _, text in product() for said in _glued(ast.parse(text))}
    assert found == WHOLE_SENTENCES, "put `stagent.lib.text.sentence` around what somebody else said"


@pytest.mark.parametrize(
    ("said", "whole"),
    [
        ("the model does not support tools", "the model does not support tools."),
        ("Not found (404)", "Not found (404)."),
        ("He said “No.”", "He said “No.”"),
        ("Done. ", "Done."),
        ("cut…", "cut…"),
        ("Why?", "Why?"),
        ("不支持。", "不支持。"),
        ("", ""),
    ],
)
def test_what_others_said_ends_with_a_full_stop(said, whole):
    assert sentence(said) == whole


@pytest.mark.parametrize("sign", SIGNS)
def test_no_sign_is_cut_in_two(sign):
    text = f"ab{sign}{sign}cd"
    for longest in range(1, len(text)):
        cut = clip(text, longest)
        assert len(cut) <= longest
        assert cut.endswith("…")
        kept = cut.removesuffix("…")
        assert kept in ("", "a", "ab", f"ab{sign}", f"ab{sign}{sign}", f"ab{sign}{sign}c")


def test_what_fits_is_left_as_it_is():
    assert clip("a\nb", 3) == "a\nb"
    assert clip("a\nb  c", 5) == "a\nb…"
    assert shorten("a\n b\tc", 5) == "a b c"
    assert shorten("a\n b\tcd", 5) == "a b…"
    assert clip("abcdefgh", 6, "[cut]") == "a[cut]"


def test_a_copy_has_a_name_of_its_own():
    assert copy_name("Report", "copy", 120, ()) == "Report (copy)"
    assert copy_name("Report", "copy", 120, {"Report (copy)"}) == "Report (copy 2)"
    long = copy_name("x" * 120, "copy", 120, ())
    assert (len(long), long[-8:]) == (120, "… (copy)")
    assert with_suffix("picture" * 40, ".png", 20)[-5:] == "….png"


def test_what_is_typed_is_kept_whole_or_refused():
    assert clean_input("reason", "  The release is out. ", 300) == "The release is out."
    assert clean_input("reason", "x" * 300, 300) == "x" * 300
    assert clean_input("reason", " \u200b\u2060 ", 300) == ""
    assert too_long("x", 1) == ""
    with pytest.raises(Problem) as refused:
        clean_input("reason", "x" * 301, 300)
    assert refused.value.fields == {"reason": "Ensure this value has at most 300 characters (it has 301)."}


def test_invisible_characters_show_nothing_and_stand_in_no_plain_name():
    assert {char for char in INVISIBLE if not is_blank(f" {char}\n")} == set()
    assert {char for char in INVISIBLE if not name_fault(f"a{char}b")} == set()
    assert {clean_name(f"a{char}b") for char in INVISIBLE} == {"ab"}


@pytest.mark.parametrize("name", [*SIGNS, "می\u200cخواهم", "1\ufe0f\u20e3", "🏳️‍🌈", "👨🏽‍💻", "葛\U000e0100"])
def test_signs_that_need_joiners_are_names(name):
    assert name_fault(name) == ""
    assert clean_name(name) == name
    assert not is_blank(name)


def test_every_format_character_of_unicode_is_refused_or_shows():
    formats = [char for char in map(chr, range(0x110000)) if unicodedata.category(char) == "Cf"]
    shown = [char for char in formats if not name_fault(f"a{char}b")]
    assert {ord(char) for char in shown} <= {
        *range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x13440)
    }  # fmt: skip
