#!/usr/bin/env python
"""Run a Stagent command: `manage.py help` lists them.

What the environment has wrong, and a database that is not up to date or not there, is said in a sentence;
--traceback shows where it was noticed.
"""

import os
import re
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stagent.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError, ProgrammingError

    try:
        execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, OperationalError, ProgrammingError) as error:
        if "--traceback" in sys.argv:
            raise
        sys.exit(_sentence(error))


def _sentence(error: Exception) -> str:
    said = str(error).strip().partition("\n")[0]
    if re.search(r"no such (table|column)|(relation|column) .+ does not exist", said):
        return f"The database is not up to date ({said}): manage.py migrate"
    return said if type(error).__name__ == "ImproperlyConfigured" else f"The database does not answer: {said}"


if __name__ == "__main__":
    main()
