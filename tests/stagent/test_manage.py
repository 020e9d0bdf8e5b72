"""Whoever starts a command with something wrong around it is told in a sentence, not in a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[2]
OURS = {"SECRET_KEY", "DATABASE_URL", "DEBUG", "DJANGO_SETTINGS_MODULE"}


def manage(*arguments, **variables):
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=HOME, env=kept | variables, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "variables", "told"),
    [
        (["check"], {"DEBUG": "0"}, "SECRET_KEY must be set when DEBUG is off."),
        (["check"], {"DATABASE_URL": "postgres://ann:hush@db:port/x"}, "DATABASE_URL is not a database URL"),
        (["createtoken", "ann"], {}, "The database is not up to date (no such table: auth_user)"),
        (["runscheduler"], {}, "the first; manage.py migrate"),
        (
            ["forecast"],
            {"DATABASE_URL": "postgres://ann@127.0.0.1:1/nothing"},
            "The database does not answer: connection failed",
        ),
    ],
)
def test_what_is_wrong_around_a_command_is_one_sentence(tmp_path, arguments, variables, told):
    outcome = manage(*arguments, **{"STAGENT_DATA_DIR": str(tmp_path)} | variables)
    assert outcome.returncode == 1
    assert told in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert "hush" not in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1
