"""The file tools: list, read, search, write, edit."""

import os
import stat
import threading

import pytest

from agents.tools.base import ToolContext, ToolError
from agents.tools.files import list_files as list_files_module
from agents.tools.files import search_files as search_files_module
from agents.tools.files import workspace
from agents.tools.files.edit_file import edit_file
from agents.tools.files.list_files import list_files
from agents.tools.files.read_file import MAX_BYTES, read_file
from agents.tools.files.search_files import search_files
from agents.tools.files.write_file import write_file


@pytest.fixture
def workspace_path(tmp_path):
    return tmp_path


@pytest.fixture
def use(workspace_path):
    """Call a tool in the workspace."""
    return lambda call, **arguments: call(ToolContext(workspace=workspace_path), arguments)


# -- reading


def test_a_file_is_read_as_it_is(workspace_path, use):
    (workspace_path / "a.txt").write_bytes("one\r\ntwo ä\n".encode())
    assert use(read_file, path="a.txt") == "one\r\ntwo ä\n"


def test_a_window_names_the_next_offset(workspace_path, use):
    (workspace_path / "a.txt").write_text("".join(f"{n}\n" for n in range(1, 10)))
    assert (
        use(read_file, path="a.txt", offset=4, limit=2) == "4\n5\n[more lines follow: continue with offset=6]"
    )
    assert use(read_file, path="a.txt", offset=8) == "8\n9\n"


def test_a_negative_offset_reads_the_end(workspace_path, use):
    (workspace_path / "a.txt").write_text("".join(f"{n}\n" for n in range(1, 10)))
    assert use(read_file, path="a.txt", offset=-2) == "8\n9\n"
    assert use(read_file, path="a.txt", offset=-50, limit=1) == "1\n"


def test_a_large_log_is_read_window_by_window_without_a_gap(workspace_path, use):
    lines = [f"line {n} {'x' * 80}\n" for n in range(20_000)]
    (workspace_path / "log").write_text("".join(lines))
    text = use(read_file, path="log")
    contents, _, note = text.rpartition("[more lines follow: continue with offset=")
    following = use(read_file, path="log", offset=int(note.rstrip("]")))
    assert len(text) <= MAX_BYTES + 100
    assert "".join(lines).startswith(contents + following.rpartition("[")[0])


def test_the_end_of_a_large_log_is_read_without_reading_all_of_it(workspace_path, use):
    (workspace_path / "log").write_text("".join(f"line {n} {'x' * 80}\n" for n in range(20_000)))
    assert use(read_file, path="log", offset=-1).startswith("line 19999 ")
    for offset in (-10_000, -100_000):
        text = use(read_file, path="log", offset=offset)
        assert text.startswith("[earlier lines omitted]\nline ")
        assert text.endswith(f"line 19999 {'x' * 80}\n")


def test_an_endless_line_is_cut_and_the_next_line_still_found(workspace_path, use):
    (workspace_path / "a.txt").write_text("x" * 3_000_000 + "\nsecond\n")
    text = use(read_file, path="a.txt")
    assert "[rest of this line omitted]\nsecond\n" in text
    assert len(text) < MAX_BYTES


def test_a_line_as_long_as_one_read_is_not_mistaken_for_a_cut_one(workspace_path, use):
    for text in ("x" * 20_000, "x" * 20_000 + "\n", "x" * 20_000 + "\nsecond"):
        (workspace_path / "a.txt").write_text(text)
        assert use(read_file, path="a.txt") == text


def test_an_offset_past_the_end_names_the_number_of_lines(workspace_path, use):
    (workspace_path / "a.txt").write_text("1\n2\n")
    with pytest.raises(ToolError, match="only 2 lines"):
        use(read_file, path="a.txt", offset=9)


def test_an_empty_file_says_that_it_is_empty(workspace_path, use):
    (workspace_path / "a.txt").touch()
    assert use(read_file, path="a.txt") == use(read_file, path="a.txt", offset=-5) == "(the file is empty)"


def test_a_binary_file_is_refused(workspace_path, use):
    (workspace_path / "a.png").write_bytes(b"\x89PNG\0\0\0")
    for call, more in ((read_file, {}), (edit_file, {"old": "P", "new": "Q"})):
        with pytest.raises(ToolError, match=r"a\.png is a binary file"):
            use(call, path="a.png", **more)


def test_an_old_encoding_is_still_readable_but_not_edited(workspace_path, use):
    (workspace_path / "a.txt").write_bytes("Grüße".encode("latin-1"))
    assert use(read_file, path="a.txt") == "Gr\ufffd\ufffde"
    with pytest.raises(ToolError, match="not UTF-8 text"):
        use(edit_file, path="a.txt", old="Gr", new="gr")
    assert (workspace_path / "a.txt").read_bytes() == "Grüße".encode("latin-1")


def test_a_missing_file_or_a_folder_is_an_error(workspace_path, use):
    (workspace_path / "folder").mkdir()
    (workspace_path / "file").touch()
    assert error_of(use, read_file, path="gone.txt") == "gone.txt does not exist."
    assert error_of(use, read_file, path="gone/x.txt") == "gone does not exist."
    assert "not a regular file" in error_of(use, read_file, path="folder")
    assert "is not the path of a file" in error_of(use, read_file, path="folder/")
    assert "not a folder" in error_of(use, read_file, path="file/x")


def error_of(use, call, **arguments) -> str:
    with pytest.raises(ToolError) as raised:
        use(call, **arguments)
    return str(raised.value)


# -- writing


def test_a_file_is_written_with_the_folders_it_needs(workspace_path, use):
    assert use(write_file, path="x/y/z.md", content="ä\n") == "Wrote 3 bytes to x/y/z.md."
    assert (workspace_path / "x/y/z.md").read_text() == "ä\n"


def test_writing_replaces_and_appending_adds(workspace_path, use):
    use(write_file, path="a.txt", content="old")
    use(write_file, path="a.txt", content="new")
    assert use(write_file, path="a.txt", content="er", append=True) == "Appended 2 bytes to a.txt."
    assert (workspace_path / "a.txt").read_text() == "newer"


def test_replacing_keeps_the_mode_of_a_file(workspace_path, use):
    (workspace_path / "run.sh").write_text("old")
    (workspace_path / "run.sh").chmod(0o750)
    use(write_file, path="run.sh", content="new")
    assert stat.S_IMODE((workspace_path / "run.sh").stat().st_mode) == 0o750


def test_a_reader_sees_the_old_file_or_the_new_one_never_half(workspace_path, use):
    use(write_file, path="a.txt", content="a" * 100_000)
    contents, stop = set(), threading.Event()

    def read_repeatedly():
        while not stop.is_set():
            contents.add((workspace_path / "a.txt").read_text())

    reader = threading.Thread(target=read_repeatedly)
    reader.start()
    for letter in "bcbcbcbcbc":
        use(write_file, path="a.txt", content=letter * 100_000)
    stop.set()
    reader.join()
    assert {len(text) for text in contents} == {100_000}
    assert all(len(set(text)) == 1 for text in contents)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(workspace_path, use, monkeypatch):
    use(write_file, path="a.txt", content="old")

    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert error_of(use, write_file, path="a.txt", content="new") == "a.txt: No space left on device."
    assert [(path.name, path.read_text()) for path in workspace_path.iterdir()] == [("a.txt", "old")]


def test_too_large_a_file_is_refused(workspace_path, use):
    assert "the limit is 1,048,576" in error_of(use, write_file, path="a.txt", content="ä" * 600_000)
    assert not (workspace_path / "a.txt").exists()


def test_appending_is_limited(workspace_path, use, monkeypatch):
    monkeypatch.setattr(workspace, "MAX_APPENDED_BYTES", 10)
    use(write_file, path="log", content="123456", append=True)
    assert "the limit is 10" in error_of(use, write_file, path="log", content="123456", append=True)
    assert (workspace_path / "log").read_text() == "123456"


def test_a_lone_surrogate_is_not_written(use):
    assert "lone surrogate" in error_of(use, write_file, path="a.txt", content="\ud800")


def test_a_folder_is_not_overwritten(workspace_path, use):
    (workspace_path / "folder").mkdir()
    assert "not a regular file" in error_of(use, write_file, path="folder", content="x")
    assert "is a folder" in error_of(use, write_file, path="folder", content="x", append=True)
    assert [path.name for path in workspace_path.iterdir()] == ["folder"]


# -- editing


def test_a_passage_that_occurs_once_is_changed_and_nothing_else(workspace_path, use):
    (workspace_path / "a.txt").write_bytes(b"one\r\ntwo\r\nthree")
    assert use(edit_file, path="a.txt", old="two", new="2") == "Changed a.txt."
    assert (workspace_path / "a.txt").read_bytes() == b"one\r\n2\r\nthree"


def test_a_passage_that_does_not_occur_changes_nothing(workspace_path, use):
    (workspace_path / "a.txt").write_text("one")
    assert "does not occur" in error_of(use, edit_file, path="a.txt", old="two", new="2")
    assert (workspace_path / "a.txt").read_text() == "one"


def test_a_passage_that_occurs_twice_changes_nothing(workspace_path, use):
    (workspace_path / "a.txt").write_text("one one")
    assert "occurs 2 times" in error_of(use, edit_file, path="a.txt", old="one", new="2")
    assert (workspace_path / "a.txt").read_text() == "one one"


def test_a_file_too_large_to_hold_is_not_edited(workspace_path, use):
    (workspace_path / "a.txt").write_text("x" * (workspace.MAX_READ_BYTES + 1))
    assert "larger than 1,048,576 bytes" in error_of(use, edit_file, path="a.txt", old="x", new="y")


# -- listing


def test_a_listing_names_files_folders_and_links(workspace_path, use):
    (workspace_path / "b").mkdir()
    (workspace_path / "b" / "c.md").write_text("12345")
    (workspace_path / "a.txt").write_text("1")
    (workspace_path / "link").symlink_to("a.txt")
    assert use(list_files) == "a.txt (1 bytes)\nb/\nlink (link, not followed)\nb/c.md (5 bytes)"
    assert use(list_files, path="b") == "b/c.md (5 bytes)"
    assert use(list_files, path="b/c.md") == "b/c.md (5 bytes)"


def test_a_pattern_narrows_a_listing(workspace_path, use):
    for name in ("top.md", "docs/in.md", "docs/in.txt"):
        use(write_file, path=name, content="x")
    assert use(list_files, pattern="*.md") == "top.md (1 bytes)\ndocs/in.md (1 bytes)"
    assert use(list_files, pattern="**/*.md") == use(list_files, pattern="*.md")
    assert use(list_files, pattern="docs/*.txt") == "docs/in.txt (1 bytes)"


def test_an_empty_folder_and_a_missing_one_differ(use):
    assert use(list_files) == "No files found."
    assert error_of(use, list_files, path="gone") == "gone does not exist."


def test_folders_of_tools_are_listed_but_not_entered(workspace_path, use):
    (workspace_path / ".git" / "objects").mkdir(parents=True)
    assert use(list_files) == ".git/"
    assert use(list_files, path=".git") == ".git/objects/"


def test_a_long_listing_is_cut_and_says_so(workspace_path, use, monkeypatch):
    monkeypatch.setattr(list_files_module, "MAX_ENTRIES", 3)
    for number in range(5):
        (workspace_path / f"{number}").touch()
    lines = use(list_files).split("\n")
    assert lines[:3] == ["0 (0 bytes)", "1 (0 bytes)", "2 (0 bytes)"]
    assert lines[3:] == ["[more than 3 entries: use path or pattern to narrow the list]"]


# -- searching


def test_a_search_gives_file_line_and_text_in_any_case(workspace_path, use):
    use(write_file, path="a/b.txt", content="one\n  Two Straße\n")
    use(write_file, path="c.txt", content="two\n")
    assert use(search_files, text="TWO") == "c.txt:1: two\na/b.txt:2: Two Straße"
    assert use(search_files, text="STRASSE", path="a") == "a/b.txt:2: Two Straße"
    assert use(search_files, text="one", path="a/b.txt") == "a/b.txt:1: one"
    assert use(search_files, text="three") == "No matches."


def test_a_search_does_not_use_patterns(workspace_path, use):
    use(write_file, path="a.txt", content="a.b\naxb\n")
    assert use(search_files, text="a.b") == "a.txt:1: a.b"


def test_a_search_skips_files_that_are_not_text(workspace_path, use):
    (workspace_path / "a.bin").write_bytes(b"needle\0")
    (workspace_path / "b.txt").write_bytes(b"needle \xff")
    (workspace_path / "c.txt").write_text("needle" + "x" * workspace.MAX_READ_BYTES)
    (workspace_path / "d.txt").write_text("needle")
    assert use(search_files, text="needle") == "d.txt:1: needle"


def test_a_search_with_too_many_matches_says_so(workspace_path, use, monkeypatch):
    monkeypatch.setattr(search_files_module, "MAX_MATCHES", 2)
    use(write_file, path="a.txt", content="x\n" * 5)
    assert use(search_files, text="x").endswith(
        "x\n[more than 2 matches: use a longer text or search one folder]"
    )
