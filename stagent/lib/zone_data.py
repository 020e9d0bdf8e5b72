"""Chooses the time-zone data of this process: the newer of the system's and the tzdata package's.

zoneinfo prefers the system's data, however old. The settings choose once, before any zone is loaded; a
PYTHONTZPATH in the environment is respected.
"""

import os
import zoneinfo
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

VERSION_FILES = ("tzdata.zi", "+VERSION")  # beside the zones; the first line of one ends with the version
MAX_LENGTH = 12
UNKNOWN = "unknown"


class ZoneData(NamedTuple):
    """A version such as "2026f", and its source."""

    version: str
    source: str

    def __str__(self) -> str:
        return f"{self.version} ({self.source})"


@cache
def choose_zone_data() -> ZoneData:
    """Make zoneinfo use the newer data; return it."""
    package, system = _package_data(), _system_data()
    if "PYTHONTZPATH" in os.environ or (system and not package):
        return system or package or ZoneData(UNKNOWN, "PYTHONTZPATH")
    if package and (system is None or _sort_key(package.version) > _sort_key(system.version)):
        zoneinfo.reset_tzpath(to=())
        zoneinfo.ZoneInfo.clear_cache()
        return package
    return system or ZoneData(UNKNOWN, "none found")


def _package_data() -> ZoneData | None:
    if find_spec("tzdata") is None:
        return None
    version = getattr(import_module("tzdata"), "IANA_VERSION", UNKNOWN)
    return ZoneData(version, "tzdata package")


def _system_data() -> ZoneData | None:
    """Return the first data on zoneinfo's path, or None."""
    for folder in map(Path, zoneinfo.TZPATH):
        if (folder / "UTC").exists():
            return ZoneData(_read_version(folder), f"system, {folder}")
    return None


def _read_version(folder: Path) -> str:
    for name in VERSION_FILES:
        try:
            with (folder / name).open(encoding="utf-8", errors="replace") as file:
                words = file.readline().split()
        except OSError:
            continue
        if words and len(words[-1]) <= MAX_LENGTH:
            return words[-1]
    return UNKNOWN


def _sort_key(version: str) -> tuple[str, int, str]:
    """Sort versions: 2025b, 2025z, 2025aa, 2026a; an unknown one is the oldest."""
    return ("", 0, "") if not version[:4].isdigit() else (version[:4], len(version), version)
