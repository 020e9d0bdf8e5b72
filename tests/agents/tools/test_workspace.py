"""A workspace is a place that paths do not lead out of."""

import os
import tempfile
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from agents.tools.base import ToolContext, ToolError
from agents.tools.files.edit_file import edit_file
from agents.tools.files.list_files import list_files
from agents.tools.files.read_file import read_file
from agents.tools.files.search_files import search_files
from agents.tools.files.write_file import write_file

SECRET = "SECRET of the machine"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return build(tmp_path)


def build(above: Path) -> Path:
    """Make a workspace beside something it must not reach, with links that lead there."""
    (above / "outside").mkdir()
    (above / "outside" / "secret.txt").write_text(SECRET)
    inside = above / "inside"
    (inside / "a" / "b").mkdir(parents=True)
    (inside / "a" / "file.txt").write_text("mine")
    (inside / "out").symlink_to(above / "outside")
    (inside / "a" / "up").symlink_to("../..")
    (inside / "a" / "secret").symlink_to(above / "outside" / "secret.txt")
    (inside / "new").symlink_to(above / "outside" / "new.txt")
    return inside


def seen_outside(inside: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in (inside.parent / "outside").rglob("*")}


def refused(call, place: Path | None, **arguments) -> str:
    with pytest.raises(ToolError) as raised:
        call(ToolContext(workspace=place), arguments)
    return str(raised.value)


def every_attempt(inside: Path, path: str) -> list[str]:
    """Try everything a path can be used for; give what was told, by answers and refusals alike."""
    context, told = ToolContext(workspace=inside), []
    for call, more in (
        (read_file, {}),
        (list_files, {}),
        (search_files, {"text": "SECRET"}),
        (edit_file, {"old": "SECRET", "new": "changed"}),
        (write_file, {"content": "changed"}),
        (write_file, {"content": "changed", "append": True}),
    ):
        try:
            told.append(call(context, {"path": path, **more}))
        except ToolError as error:
            told.append(str(error))
    return told


components = some.sampled_from(
    ["a", "b", "up", "out", "secret", "secret.txt", "new", "outside", "..", ".", "", "~", "\0", "..\0"]
)
paths = some.lists(components | some.text(max_size=3), max_size=7).map("/".join)


@given(paths)
@example("out/secret.txt")
@example("a/up/outside/secret.txt")
@example("a/secret")
@example("../outside/secret.txt")
@example("new")
def test_no_path_reads_or_changes_anything_outside(path):
    with tempfile.TemporaryDirectory() as above:
        inside = build(Path(above))
        before = seen_outside(inside)
        told = every_attempt(inside, path)
        assert seen_outside(inside) == before
        assert not any("of the machine" in text for text in told)
        assert sorted(path.name for path in Path(above).iterdir()) == ["inside", "outside"]


@given(paths)
def test_no_refusal_tells_where_the_workspace_lies(path):
    with tempfile.TemporaryDirectory() as above:
        assert not any(above in text for text in every_attempt(build(Path(above)), path))


@pytest.mark.parametrize("moment", range(1, 40))
def test_a_folder_swapped_for_a_link_at_any_moment_leads_nowhere(place, monkeypatch, moment):
    """The race that is lost by whoever resolves a path first and opens it afterwards."""
    (place / "swap" / "in").mkdir(parents=True)
    (place / "swap" / "secret.txt").write_text("mine")
    before, moments, real_open = seen_outside(place), count(1), os.open

    def open_after_swap(*args, **kwargs):
        if next(moments) == moment:
            (place / "swap").rename(place.parent / "old")
            (place / "swap").symlink_to(place.parent / "outside")
        return real_open(*args, **kwargs)

    monkeypatch.setattr(os, "open", open_after_swap)
    told = every_attempt(place, "swap/secret.txt") + every_attempt(place, "swap")
    assert not any("of the machine" in text for text in told)
    assert seen_outside(place) == before
    assert (place / "swap").is_symlink(), "the moment came"


@pytest.mark.parametrize("path", ["/etc/passwd", "/", "//etc"])
def test_an_absolute_path_is_refused(place, path):
    assert "relative to the workspace" in refused(read_file, place, path=path)


@pytest.mark.parametrize("path", ["..", "../x", "a/../x", "a/.."])
def test_a_path_upwards_is_refused_even_where_it_stays_inside(place, path):
    assert "'..' is refused" in refused(read_file, place, path=path)


@pytest.mark.parametrize("path", ["a\0", "a\nb", "\x7f", "x" * 2000])
def test_a_path_that_is_no_ordinary_name_is_refused(place, path):
    assert "too long or holds control characters" in refused(read_file, place, path=path)


def test_half_a_character_in_a_path_is_refused(place):
    assert "not valid text" in refused(write_file, place, path="\ud800", content="x")


def test_a_path_may_not_be_endlessly_deep(place):
    assert "at most 32 deep" in refused(write_file, place, path="d/" * 40 + "f", content="x")


def test_a_link_to_a_file_is_not_followed(place):
    assert "links are not followed" in refused(read_file, place, path="a/secret")


def test_a_link_to_a_folder_is_not_followed(place):
    assert "a link" in refused(read_file, place, path="out/secret.txt")
    assert "a link" in refused(list_files, place, path="out")


def test_writing_to_a_link_neither_follows_nor_replaces_it(place):
    assert "is a link or a folder" in refused(write_file, place, path="new", content="x")
    assert "links are not followed" in refused(write_file, place, path="new", content="x", append=True)
    assert (place / "new").is_symlink()
    assert not (place.parent / "outside" / "new.txt").exists()


def test_a_file_with_a_second_name_is_not_appended_to(place):
    os.link(place.parent / "outside" / "secret.txt", place / "hard")
    assert "not a plain file" in refused(write_file, place, path="hard", content="x", append=True)


def test_replacing_a_file_with_a_second_name_leaves_the_other_alone(place):
    os.link(place.parent / "outside" / "secret.txt", place / "hard")
    write_file(ToolContext(workspace=place), {"path": "hard", "content": "mine now"})
    assert (place.parent / "outside" / "secret.txt").read_text() == SECRET


def test_a_pipe_is_refused_and_nobody_waits_for_it(place):
    os.mkfifo(place / "pipe")
    assert "not a plain file" in refused(read_file, place, path="pipe")
    assert "not a plain file" in refused(write_file, place, path="pipe", content="x", append=True)
    assert "not a plain file" in refused(write_file, place, path="pipe", content="x")


def test_the_workspace_itself_may_be_reached_through_a_link(place):
    (place.parent / "shortcut").symlink_to(place)
    assert read_file(ToolContext(workspace=place.parent / "shortcut"), {"path": "a/file.txt"}) == "mine"


def test_without_a_workspace_every_file_tool_says_so():
    for call, more in (
        (read_file, {}),
        (list_files, {}),
        (write_file, {"content": ""}),
        (search_files, {"text": "x"}),
    ):
        assert "There is no workspace here" in refused(call, None, path="a", **more)


def test_a_workspace_that_is_gone_is_told_without_its_place(place):
    message = refused(read_file, place / "gone", path="a")
    assert message == "The workspace cannot be opened: No such file or directory."


def test_no_descriptor_stays_open_whatever_happens(place):
    every_attempt(place, "a/up/outside/secret.txt")
    before = open_descriptors()
    for path in ("a/file.txt", "a", "out/x", "a/secret", "gone/x", "..", "", "a/b/c/d"):
        every_attempt(place, path)
    assert open_descriptors() == before


def open_descriptors() -> int:
    return sum(_is_open(number) for number in range(256))


def _is_open(number: int) -> bool:
    with suppress(OSError):
        os.fstat(number)
        return True
    return False
