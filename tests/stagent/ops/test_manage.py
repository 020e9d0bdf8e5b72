"""Whoever starts a command with something wrong around it is told in a sentence, not in a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[3]
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
        (["check"], {"DEBUG": "0"}, "SECRET_KEY must be set when DEBUG is off: a long random text"),
        (["check"], {"DATABASE_URL": "postgres://ann:hush@db:port/x"}, "DATABASE_URL is not a database URL"),
        (["check"], {"TIME_ZONE": "Mars/X"}, "TIME_ZONE='Mars/X' is not a time zone; use a name such as"),
        (["check"], {"TIME_ZONE": "europe/berlin"}, "TIME_ZONE='europe/berlin' is not a time zone"),
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


REFUSED, BROKE = "Unprocessable Content: /api/x", "Internal Server Error: /x"
LOGS = f"""
import logging, django
django.setup()
log = logging.getLogger("django.request")
log.warning({REFUSED!r}, extra={{"status_code": 422}})
log.error("Service Unavailable: /readyz", extra={{"status_code": 503}})
log.error({BROKE!r}, extra={{"status_code": 500}})
logging.getLogger("django.security.csrf").warning("Forbidden", extra={{"status_code": 403}})
try:
    raise ValueError("nobody")
except ValueError as error:
    logging.getLogger("django.security.DisallowedHost").error("Invalid HTTP_HOST", exc_info=error)
"""


def test_the_log_tells_once_what_broke_and_not_what_was_refused(tmp_path):
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    here = kept | {"STAGENT_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "stagent.settings"}
    outcome = subprocess.run(
        [sys.executable, "-c", LOGS], cwd=HOME, env=here, capture_output=True, text=True, check=True
    )
    told = [line.partition(": ")[2] for line in outcome.stderr.splitlines()]
    assert told == [BROKE, "Forbidden", "Invalid HTTP_HOST"]
