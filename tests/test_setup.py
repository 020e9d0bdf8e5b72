"""`make env` on a fresh machine: it finds a Python that works, or says plainly what is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parent.parent
TOOLS = ("sh", "cat", "cksum", "dirname", "readlink", "rm")


@pytest.fixture
def checkout(tmp_path):
    """A fresh checkout, on a machine whose PATH holds no Python."""
    place = tmp_path / "a place with blanks"
    (place / "bin").mkdir(parents=True)
    (place / "path").mkdir()
    for name in ("bin/env", "requirements.lock", ".python-version"):
        shutil.copy(HOME / name, place / name)
    for tool in TOOLS:
        (place / "path" / tool).symlink_to(shutil.which(tool))
    return place


def make_env(checkout, **variables):
    variables = {"PATH": str(checkout / "path"), "HOME": str(checkout)} | variables
    return subprocess.run(
        ["sh", "bin/env"], cwd=checkout, env=variables, capture_output=True, text=True, check=False
    )


def a_shim(checkout, name, does):
    shim = checkout / "path" / name
    shim.write_text(f"#!/bin/sh\n{does}\n")
    shim.chmod(0o755)


def test_without_a_python_it_says_which_and_how_to_get_one(checkout):
    outcome = make_env(checkout)
    if outcome.returncode == 0:
        return  # a Python lies where it also looks beside the PATH
    assert "needs Python 3.12 or newer" in outcome.stderr
    assert "apt-get install python3" in outcome.stderr
    assert not (checkout / ".venv").exists()


def test_a_python_that_answers_but_fails_is_passed_over(checkout):
    a_shim(checkout, "python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
    a_shim(checkout, "python3.12", f'exec {sys.executable} "$@"')
    a_shim(checkout, "uv", "exit 1")
    # It gets as far as making the environment: nothing is installed from an empty lock.
    (checkout / "requirements.lock").write_text("")
    outcome = make_env(checkout)
    assert outcome.returncode == 0, outcome.stderr
    assert (checkout / ".venv" / "bin" / "python").exists()
    assert make_env(checkout).stderr == "", "the second call finds everything done"


def test_a_changed_lock_or_a_moved_checkout_is_noticed(checkout):
    a_shim(checkout, "python3.12", f'exec {sys.executable} "$@"')
    a_shim(checkout, "uv", "exit 1")
    (checkout / "requirements.lock").write_text("")
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (checkout / ".venv" / "made-from").write_text("4294967295 0 /somewhere/else\n")
    assert "Making .venv" in make_env(checkout).stderr


def test_a_linked_environment_is_used_and_never_rebuilt(checkout, tmp_path):
    a_shim(checkout, "python3.12", f'exec {sys.executable} "$@"')
    theirs = tmp_path / "theirs"
    (theirs / "bin").mkdir(parents=True)
    (checkout / ".venv").symlink_to(theirs)
    refused = make_env(checkout)
    assert refused.returncode == 1
    assert f"a link to {theirs}" in refused.stderr
    (theirs / "bin" / "python").symlink_to(sys.executable)
    assert make_env(checkout).returncode == 0
    assert sorted(os.listdir(theirs)) == ["bin"], "nothing was made there"  # noqa: PTH208


def test_a_chosen_python_that_will_not_do_is_named(checkout):
    a_shim(checkout, "old", "exit 1")
    outcome = make_env(checkout, PYTHON=str(checkout / "path" / "old"))
    assert outcome.returncode == 1
    assert "is not a Python of 3.12 or newer" in outcome.stderr
    assert os.listdir(checkout / "bin") == ["env"]  # noqa: PTH208
