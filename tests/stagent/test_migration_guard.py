"""A database of another version is refused in a sentence, before anything is applied."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from stagent.settings import BASE_DIR


@pytest.mark.django_db
def test_a_database_of_another_version_is_not_migrated() -> None:
    MigrationRecorder(connection).record_applied("chat", "0001_conversations_messages_and_feeds")
    with pytest.raises(CommandError, match=r"another version of Stagent: chat\.0001_conversations"):
        call_command("migrate", verbosity=0)


@pytest.mark.sqlite
def test_nothing_of_it_is_changed(tmp_path: Path) -> None:
    here = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}

    def manage(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=BASE_DIR, env=here | {"STAGENT_DATA_DIR": str(tmp_path)}, capture_output=True,
            text=True, check=False,
        )  # fmt: skip

    assert manage("migrate", "agents", "-v", "0").returncode == 0
    record = (
        "from django.db import connection as c; from django.db.migrations import recorder; "
        "recorder.MigrationRecorder(c).record_applied('agents', '0002_prices')"
    )
    assert manage("shell", "-v", "0", "-c", record).returncode == 0
    refused = manage("migrate")
    assert refused.returncode == 1
    assert "agents.0002_prices is not one of its migrations" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "[ ] 0001_initial" in manage("showmigrations", "chat").stdout
