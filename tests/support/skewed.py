"""`python -m tests.support.skewed SECONDS …`: manage.py on a machine whose clock is wrong by some seconds."""

import sys
from datetime import UTC, datetime, timedelta

import time_machine
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    wrong = datetime.now(UTC) + timedelta(seconds=float(sys.argv[1]))
    with time_machine.travel(wrong, tick=True):
        execute_from_command_line(["manage.py", *sys.argv[2:]])
