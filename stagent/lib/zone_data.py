"""Which time-zone data this process uses: the newer of the system's and the tzdata package's.

zoneinfo takes the system's wherever it is there, however old. Chosen once, by the settings, before any zone
is loaded; a PYTHONTZPATH in the environment is somebody's choice and stays.
"""

import os
import zoneinfo
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

VERSION_FILES = ("tzdata.zi", "+VERSION")  # beside the zones; the first line of the one ends with the version
LONGEST = 12
UNKNOWN = "unknown"


class ZoneData(NamedTuple):
    """Version, as "2026f", and where the data come from."""

    version: str
    source: str

    def __str__(self) -> str:
        return f"{self.version} ({self.source})"


@cache
def choose_zone_data() -> ZoneData:
    """Let zoneinfo use the newer data; return which."""
    package, system = _of_package(), _of_system()
    if "PYTHONTZPATH" in os.environ or (system and not package):
        return system or package or ZoneData(UNKNOWN, "PYTHONTZPATH")
    if package and (system is None or _age(package.version) > _age(system.version)):
        zoneinfo.reset_tzpath(to=())
        zoneinfo.ZoneInfo.clear_cache()
        return package
    return system or ZoneData(UNKNOWN, "none found")


def _of_package() -> ZoneData | None:
    if find_spec("tzdata") is None:
        return None
    version = getattr(import_module("tzdata"), "IANA_VERSION", UNKNOWN)
    return ZoneData(version, "tzdata package")


def _of_system() -> ZoneData | None:
    """Return the first data in zoneinfo's own order, or None where there are none."""
    for folder in map(Path, zoneinfo.TZPATH):
        if (folder / "UTC").exists():
            return ZoneData(_version_in(folder), f"system, {folder}")
    return None


def _version_in(folder: Path) -> str:
    for name in VERSION_FILES:
        try:
            with (folder / name).open(encoding="utf-8", errors="replace") as file:
                words = file.readline().split()
        except OSError:
            continue
        if words and len(words[-1]) <= LONGEST:
            return words[-1]
    return UNKNOWN


def _age(version: str) -> tuple[str, int, str]:
    """Order versions: 2025b, 2025z, 2025aa, 2026a; what is not known is the oldest."""
    return ("", 0, "") if not version[:4].isdigit() else (version[:4], len(version), version)
