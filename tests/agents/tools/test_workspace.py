"""Paths cannot lead out of a workspace."""

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
def workspace(tmp_path: Path) -> Path:
    return build(tmp_path)


def build(parent: Path) -> Path:
    """Create a workspace and an outside folder that it must not reach, with links to it."""
    (parent / "outside").mkdir()
    (parent / "outside" / "secret.txt").write_text(SECRET)
    inside = parent / "inside"
    (inside / "a" / "b").mkdir(parents=True)
    (inside / "a" / "file.txt").write_text("mine")
    (inside / "out").symlink_to(parent / "outside")
    (inside / "a" / "up").symlink_to("../..")
    (inside / "a" / "secret").symlink_to(parent / "outside" / "secret.txt")
    (inside / "new").symlink_to(parent / "outside" / "new.txt")
    return inside


def files_outside(inside: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in (inside.parent / "outside").rglob("*")}


def refused(call, workspace: Path | None, **arguments) -> str:
    with pytest.raises(ToolError) as raised:
        call(ToolContext(workspace=workspace), arguments)
    return str(raised.value)


def every_attempt(inside: Path, path: str) -> list[str]:
    """Use a path with every file tool; return all results and error messages."""
    context, texts = ToolContext(workspace=inside), []
    for call, more in (
        (read_file, {}),
        (list_files, {}),
        (search_files, {"text": "SECRET"}),
        (edit_file, {"old": "SECRET", "new": "changed"}),
        (write_file, {"content": "changed"}),
        (write_file, {"content": "changed", "append": True}),
    ):
        try:
            texts.append(call(context, {"path": path, **more}))
        except ToolError as error:
            texts.append(str(error))
    return texts


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
        before = files_outside(inside)
        texts = every_attempt(inside, path)
        assert files_outside(inside) == before
        assert not any("of the machine" in text for text in texts)
        assert sorted(path.name for path in Path(above).iterdir()) == ["inside", "outside"]


@given(paths)
def test_no_error_reveals_the_path_of_the_workspace(path):
    with tempfile.TemporaryDirectory() as above:
        assert not any(above in text for text in every_attempt(build(Path(above)), path))


@pytest.mark.parametrize("moment", range(1, 40))
def test_a_folder_swapped_for_a_link_at_any_moment_leads_nowhere(workspace, monkeypatch, moment):
    """The race that is lost by resolving a path first and opening it afterwards."""
    (workspace / "swap" / "in").mkdir(parents=True)
    (workspace / "swap" / "secret.txt").write_text("mine")
    before, moments, real_open = files_outside(workspace), count(1), os.open

    def open_after_swap(*args, **kwargs):
        if next(moments) == moment:
            (workspace / "swap").rename(workspace.parent / "old")
            (workspace / "swap").symlink_to(workspace.parent / "outside")
        return real_open(*args, **kwargs)

    monkeypatch.setattr(os, "open", open_after_swap)
    texts = every_attempt(workspace, "swap/secret.txt") + every_attempt(workspace, "swap")
    assert not any("of the machine" in text for text in texts)
    assert files_outside(workspace) == before
    assert (workspace / "swap").is_symlink(), "the swap happened"


@pytest.mark.parametrize("path", ["/etc/passwd", "/", "//etc"])
def test_an_absolute_path_is_refused(workspace, path):
    assert "relative to the workspace" in refused(read_file, workspace, path=path)


@pytest.mark.parametrize("path", ["..", "../x", "a/../x", "a/.."])
def test_a_path_upwards_is_refused_even_where_it_stays_inside(workspace, path):
    assert "'..' is not allowed" in refused(read_file, workspace, path=path)


@pytest.mark.parametrize("path", ["a\0", "a\nb", "\x7f", "x" * 2000])
def test_a_path_with_control_characters_or_too_long_is_refused(workspace, path):
    assert "too long or contains control characters" in refused(read_file, workspace, path=path)


def test_a_lone_surrogate_in_a_path_is_refused(workspace):
    assert "lone surrogate" in refused(write_file, workspace, path="\ud800", content="x")


def test_the_depth_of_a_path_is_limited(workspace):
    assert "at most 32 deep" in refused(write_file, workspace, path="d/" * 40 + "f", content="x")


def test_a_link_to_a_file_is_not_followed(workspace):
    assert "links are not followed" in refused(read_file, workspace, path="a/secret")


def test_a_link_to_a_folder_is_not_followed(workspace):
    assert "a link" in refused(read_file, workspace, path="out/secret.txt")
    assert "a link" in refused(list_files, workspace, path="out")


def test_writing_to_a_link_neither_follows_nor_replaces_it(workspace):
    assert "is a link or a folder" in refused(write_file, workspace, path="new", content="x")
    assert "links are not followed" in refused(write_file, workspace, path="new", content="x", append=True)
    assert (workspace / "new").is_symlink()
    assert not (workspace.parent / "outside" / "new.txt").exists()


def test_a_file_with_a_second_hard_link_is_not_appended_to(workspace):
    os.link(workspace.parent / "outside" / "secret.txt", workspace / "hard")
    assert "not a regular file" in refused(write_file, workspace, path="hard", content="x", append=True)


def test_replacing_a_file_with_a_second_hard_link_leaves_the_other_alone(workspace):
    os.link(workspace.parent / "outside" / "secret.txt", workspace / "hard")
    write_file(ToolContext(workspace=workspace), {"path": "hard", "content": "mine now"})
    assert (workspace.parent / "outside" / "secret.txt").read_text() == SECRET


def test_a_pipe_is_refused_without_waiting(workspace):
    os.mkfifo(workspace / "pipe")
    assert "not a regular file" in refused(read_file, workspace, path="pipe")
    assert "not a regular file" in refused(write_file, workspace, path="pipe", content="x", append=True)
    assert "not a regular file" in refused(write_file, workspace, path="pipe", content="x")


def test_the_workspace_itself_may_be_reached_through_a_link(workspace):
    (workspace.parent / "shortcut").symlink_to(workspace)
    assert read_file(ToolContext(workspace=workspace.parent / "shortcut"), {"path": "a/file.txt"}) == "mine"


def test_without_a_workspace_every_file_tool_fails():
    for call, more in (
        (read_file, {}),
        (list_files, {}),
        (write_file, {"content": ""}),
        (search_files, {"text": "x"}),
    ):
        assert "This run has no workspace" in refused(call, None, path="a", **more)


def test_the_error_for_a_missing_workspace_does_not_reveal_its_path(workspace):
    message = refused(read_file, workspace / "gone", path="a")
    assert message == "The workspace cannot be opened: No such file or directory."


def test_no_descriptor_stays_open(workspace):
    every_attempt(workspace, "a/up/outside/secret.txt")
    before = open_descriptors()
    for path in ("a/file.txt", "a", "out/x", "a/secret", "gone/x", "..", "", "a/b/c/d"):
        every_attempt(workspace, path)
    assert open_descriptors() == before


def open_descriptors() -> int:
    return sum(_is_open(number) for number in range(256))


def _is_open(number: int) -> bool:
    with suppress(OSError):
        os.fstat(number)
        return True
    return False
