"""The newer time-zone data are used, whoever has them; what is used is shown and compared."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import tzdata

from schedules.dispatch import next_instant_check
from schedules.models import Notice, Setting
from schedules.monitoring import detectors
from stagent.lib import zone_data
from stagent.ops.doctor import checks
from tests.support.builders import NOON, a_scheduler

SAY = (
    "from stagent.lib import zone_data as z; print(z.choose_zone_data());"
    " import zoneinfo as i; print(list(i.TZPATH))"
)
PATCHED = "import zoneinfo; zoneinfo.reset_tzpath(to=[{folder!r}]); "


def chosen_with(folder: Path, **environment: str) -> list[str]:
    """Ask a new process which data it uses where the system's are in a folder."""
    told = subprocess.run(
        [sys.executable, "-c", PATCHED.format(folder=str(folder)) + SAY],
        capture_output=True, text=True, check=True, env=os.environ | environment,
    )  # fmt: skip
    return told.stdout.splitlines()


def a_system(folder: Path, version: str) -> Path:
    (folder / "UTC").write_bytes(b"")
    (folder / "tzdata.zi").write_text(f"# version {version}\n")
    return folder


@pytest.mark.parametrize(
    ("version", "package"), [("2025b", True), ("2099a", False), ("2099aa", False), ("garbage", True)]
)
def test_the_newer_data_are_used(tmp_path: Path, version: str, package: bool) -> None:
    which, path = chosen_with(a_system(tmp_path, version))
    expected = f"{tzdata.IANA_VERSION} (tzdata package)" if package else f"{version} (system, {tmp_path})"
    assert which == expected
    assert path == ("[]" if package else f"[{str(tmp_path)!r}]")


def test_a_path_that_somebody_set_is_kept(tmp_path: Path) -> None:
    which, path = chosen_with(a_system(tmp_path, "2025b"), PYTHONTZPATH=str(tmp_path))
    assert which.startswith("2025b")
    assert path != "[]"


@pytest.mark.django_db
def test_the_doctor_names_version_and_source() -> None:
    assert str(zone_data.choose_zone_data()) in checks.zones(NOON).detail


@pytest.mark.django_db
def test_hosts_that_differ_are_told_until_they_agree() -> None:
    a_scheduler(NOON, host="old", zone_data="2025b (system, /usr/share/zoneinfo)")
    other = a_scheduler(NOON, host="new", zone_data="2026f (tzdata package)")
    assert "2025b" in checks.zones(NOON).detail
    detectors.detect(NOON)
    notice = Notice.objects.get()
    assert notice.kind == Notice.Kind.ZONE_DATA
    assert "new 2026f (tzdata package), old 2025b" in notice.text
    other.delete()
    detectors.detect(NOON + timedelta(seconds=1))
    assert not Notice.objects.open().exists()


@pytest.mark.django_db
def test_the_version_is_kept_and_a_new_one_has_every_schedule_checked() -> None:
    Setting.objects.create(key=next_instant_check.ZONE_DATA, value="2020a")
    check = next_instant_check.NextCheck()
    check.step(NOON)
    assert Setting.objects.get(key=next_instant_check.ZONE_DATA).value == zone_data.choose_zone_data().version
