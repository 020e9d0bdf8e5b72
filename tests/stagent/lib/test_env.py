"""The environment is read strictly where it matters, forgivingly where a default serves."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from stagent.lib import env
from stagent.lib.db import settings


def test_a_flag_is_yes_or_no_and_nothing_else(monkeypatch):
    monkeypatch.setenv("DEBUG", "On")
    assert env.flag("DEBUG", default=False) is True
    monkeypatch.setenv("DEBUG", "off")
    assert env.flag("DEBUG", default=True) is False
    monkeypatch.setenv("DEBUG", "maybe")
    with pytest.raises(ImproperlyConfigured, match="DEBUG='maybe'"):
        env.flag("DEBUG", default=True)


@pytest.mark.parametrize("default", [True, False])
def test_an_empty_flag_is_one_that_is_not_set(monkeypatch, default):
    monkeypatch.setenv("EMAIL_USE_TLS", " ")
    assert env.flag("EMAIL_USE_TLS", default=default) is default


@pytest.mark.parametrize("bad", ["abc", "-1", "1.5", "٣"])
def test_a_bad_number_is_ignored_with_a_warning_that_names_it(monkeypatch, caplog, bad):
    monkeypatch.setenv("EMAIL_PORT", bad)
    assert env.number("EMAIL_PORT", 587) == 587
    assert "EMAIL_PORT" in caplog.text
    assert "587" in caplog.text


def test_a_number_below_the_least_is_a_bad_one(monkeypatch, caplog):
    monkeypatch.setenv("CHAT_LEASE_TTL_SEC", "1")
    assert env.number("CHAT_LEASE_TTL_SEC", 30, least=2) == 30
    assert "CHAT_LEASE_TTL_SEC='1'" in caplog.text


def test_a_choice_falls_back_to_the_first_word(monkeypatch, caplog):
    monkeypatch.setenv("LOG_LEVEL", "debug")
    assert env.choice("LOG_LEVEL", ("INFO", "DEBUG")) == "DEBUG"
    monkeypatch.setenv("LOG_LEVEL", "chatty")
    assert env.choice("LOG_LEVEL", ("INFO", "DEBUG")) == "INFO"
    assert "chatty" in caplog.text.lower()


def test_a_folder_that_cannot_be_made_is_named_with_its_variable(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("STAGENT_DATA_DIR", str(tmp_path / "file" / "data"))
    with pytest.raises(ImproperlyConfigured, match=r"cannot be created .* Set STAGENT_DATA_DIR"):
        env.folder("STAGENT_DATA_DIR", tmp_path)


def test_processes_that_race_for_the_secret_agree_on_one(tmp_path):
    path = tmp_path / "secret_key"
    with ThreadPoolExecutor(16) as pool:
        secrets = set(pool.map(lambda _: env.generated_secret(path), range(64)))
    assert len(secrets) == 1
    assert len(secrets.pop()) > 50
    assert [file.name for file in tmp_path.iterdir()] == ["secret_key"]
    assert path.stat().st_mode & 0o077 == 0


def test_a_secret_that_cannot_be_kept_says_what_to_set(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ImproperlyConfigured, match=r"cannot be written or read .* set SECRET_KEY"):
        env.generated_secret(tmp_path / "file" / "secret_key")


def test_the_default_database_is_a_file_whatever_its_path_is_called():
    chosen = settings.configure("", Path("/srv/a b#c%20d/stagent.sqlite3"))
    assert chosen["NAME"] == "/srv/a b#c%20d/stagent.sqlite3"
    assert chosen["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_a_postgresql_url_is_read_the_way_everyone_writes_it():
    chosen = settings.configure("postgres://ann:s%40cret@db.internal:5433/agents", Path("unused"))
    assert (chosen["USER"], chosen["PASSWORD"], chosen["HOST"]) == ("ann", "s@cret", "db.internal")
    assert (chosen["PORT"], chosen["NAME"]) == (5433, "agents")


@pytest.mark.parametrize("url", ["mysql://ann@db/stagent", "nonsense", "postgres://ann:secret@db:port/x"])
def test_another_database_is_refused_without_printing_its_password(url):
    with pytest.raises(ImproperlyConfigured) as refused:
        settings.configure(url, Path("unused"))
    assert "DATABASE_URL" in str(refused.value)
    assert "secret" not in str(refused.value)
