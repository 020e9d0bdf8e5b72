"""The first ten minutes of an operator, through real processes: from an empty folder to a dead scheduler."""

import signal
from datetime import timedelta
from typing import Any

from stagent.lib import clock
from tests.support.newcomer import ADDRESS, Api, child, gone, ready, signed_in, up
from tests.support.processes import Process, empty_database
from tests.support.waiting import wait_until

__all__ = ["empty_database"]

ENDLESS = "Talk. [[offline: tokens=100000 delay=20ms]]"
TURNS = 8
LONG = f"Work. [[offline: turns={TURNS} first_token=300ms]]"
NEVER = "0 0 1 1 *"
# Of a firing that stands for one instant and whose run went well.
WHAT_MAY_BE_EMPTY = {"reason", "failure_reason", "last_nominal_at"}


class Operator:
    """Works with an install by its API."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def makes(self, name: str, prompt: str, **when: str) -> str:
        """Make a schedule; return its id."""
        asked = {"name": name, "prompt": prompt, "max_turns": 50} | (when or {"cron": NEVER})
        return str(self.api.post("/schedules", asked)["schedule"]["id"])

    def starts(self, schedule: str, how: str = "") -> str:
        """Run a schedule now; return the id of the run."""
        return str(self.api.post(f"/schedules/{schedule}/execute{how}")["run_id"])

    def run(self, run: str) -> dict[str, Any]:
        return dict(self.api.get(f"/runs/{run}"))

    def sees(self, run: str, status: str, turns: int = 0) -> dict[str, Any]:
        """Wait until a run is in this state; return it."""

        def look() -> dict[str, Any] | None:
            seen = self.run(run)
            return seen if seen["status"] == status and seen["turn_count"] >= turns else None

        return wait_until(look)

    def firing(self, schedule: str) -> dict[str, Any]:
        """Wait until the one firing of a schedule is over; return it."""

        def look() -> dict[str, Any] | None:
            found = self.api.get(f"/schedules/{schedule}/firings")["items"]
            return found[0] if found and found[0]["completed_at"] else None

        return wait_until(look)

    def slots_held(self) -> list[str]:
        return [slot["run_id"] for slot in self.api.get("/status")["slots"] if slot["run_id"]]


def token_of_admin(install: dict[str, str]) -> str:
    with Process("createtoken", "admin", **install) as command:
        assert command.end() == 0
        return command.output.strip().splitlines()[-1]


def empty_metrics(firing: dict[str, Any]) -> list[str]:
    return [name for name, value in firing.items() if value is None and name not in WHAT_MAY_BE_EMPTY]


def check_that_a_schedule_fires(operator: Operator) -> None:
    soon = clock.now() + timedelta(seconds=2)
    once = operator.makes("Once", "Count these words.", at=soon.isoformat())
    firing = operator.firing(once)
    assert (firing["outcome"], firing["kind"], empty_metrics(firing)) == ("fired", "scheduled", [])
    run = operator.run(firing["run_id"])
    assert (run["status"], run["source"]) == ("completed", "scheduled")
    assert "offline model" in run["result"]


def check_that_a_full_cap_says_why(operator: Operator, talking: list[str]) -> str:
    """Return the run that waits."""
    third = operator.makes("Third", "Count these words.")
    waiting = operator.starts(third, "?queue=true")
    assert (operator.run(waiting)["status"], operator.run(waiting)["wait_reason"]) == ("queued", "slot")
    status, refusal = operator.api.ask("POST", f"/schedules/{third}/execute", {})
    assert (status, refusal["error"], refusal["position"]) == (429, "capacity_full", 2)
    assert sorted(refusal["blocking"]) == sorted(talking)
    assert refusal["slot_eta_sec"] >= 1
    return waiting


def test_from_an_empty_folder_to_a_dead_scheduler_and_on(empty_database: dict[str, str]) -> None:
    with up(empty_database, "--no-demo", SCHEDULE_LEASE_TTL_SEC="3") as stagent:
        password = stagent.says(r"Password +(\S+)").group(1)
        address = stagent.says(ADDRESS).group(1)
        wait_until(lambda: ready(address))
        assert signed_in(address, password)
        operator = Operator(Api(address, token_of_admin(empty_database)))

        check_that_a_schedule_fires(operator)

        talking = [operator.starts(operator.makes(name, ENDLESS)) for name in ("First", "Second")]
        waiting = check_that_a_full_cap_says_why(operator, talking)
        hard = operator.makes("Hard work", LONG)
        forced = operator.starts(hard, "?force=true")
        assert sorted(operator.slots_held()) == sorted([*talking, forced])

        operator.sees(forced, "running", turns=1)
        child(stagent, "runscheduler").kill()
        stagent.says("scheduler was ended by SIGKILL")
        done = operator.sees(forced, "completed")
        assert (done["turn_count"], done["forced"]) == (TURNS, True)
        assert done["attempt"] > 1
        assert empty_metrics(operator.firing(hard)) == []

        for run in talking:
            assert operator.sees(run, "running")["attempt"] > 1
            operator.api.post(f"/runs/{run}/cancel")
            operator.sees(run, "cancelled")
        operator.sees(waiting, "completed")
        assert operator.slots_held() == []

        family = stagent.children()
        stagent.signal(signal.SIGINT)
        assert stagent.end() == 0
        assert gone(family)
