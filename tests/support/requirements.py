"""Leaves out the tests whose server is not there, and says so in one line."""

import os
import shutil

import pytest

NEEDS = {
    "sqlite": "without DATABASE_URL",
    "postgres": "with DATABASE_URL=postgres://…",
    "cluster": "with that and STAGENT_EXECUTOR=procrastinate",
    "redis": "with REDIS_URL=redis://…",
    "aimock": "with AIMOCK_HOME=a folder in which `npm install @copilotkit/aimock` was run",
    "browser": "with -m browser, and Chromium on the PATH",
}


def there(need: str, config: pytest.Config) -> bool:
    """Return whether what a mark needs is there. A browser wants to be asked for, and be by itself: the event
    loop that drives it stays in its thread, where other tests cannot have one then."""
    match need:
        case "sqlite":
            return not there("postgres", config)
        case "postgres":
            return os.environ.get("DATABASE_URL", "").startswith("postgres")
        case "cluster":
            return there("postgres", config) and os.environ.get("STAGENT_EXECUTOR") == "procrastinate"
        case "redis":
            return bool(os.environ.get("REDIS_URL"))
        case "aimock":
            return bool(os.environ.get("AIMOCK_HOME")) and shutil.which("node") is not None
        case _:
            return config.option.markexpr == "browser" and chromium() is not None


def chromium() -> str | None:
    """Return the path of the browser that the browser suite drives."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests whose needs are not met."""
    absent = [need for need in NEEDS if not there(need, config)]
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        unmet = any(item.get_closest_marker(need) for need in absent)
        (dropped if unmet else kept).append(item)
    if dropped:
        items[:] = kept
        config.hook.pytest_deselected(items=dropped)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say in one line what was not run and how to run it."""
    absent = [f"{need} ({how})" for need, how in NEEDS.items() if not there(need, config)]
    if absent:
        terminalreporter.write_line(f"Not run here: {', '.join(absent)}. `bash .ci/run` runs everything.")
