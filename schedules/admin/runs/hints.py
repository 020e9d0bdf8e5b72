"""Help texts of the schedule form: what a step is, usual step counts, limits in a prompt."""

from statistics import median, quantiles

from schedules.conf import Conf
from schedules.models import Run, Schedule

STEP_IS = "One step = one agent action (a reply and the tool calls it asked for)."
NOT_A_LIMIT = (
    "A number of turns or steps in a prompt, such as “MAX 20 turns”, is a hint to the agent and not a limit. "
    "The limit is the field “Max agent steps per run”."
)
LATEST = 500  # runs that the range is computed from
FEWEST = 5


def steps_are() -> str:
    """Explain a step, with the range of the middle 80 % of runs on this install."""
    worked = Run.objects.worked_to_the_end().order_by("-pk").values_list("turn_count", flat=True)
    taken = list(worked[:LATEST])
    if len(taken) < FEWEST:
        return STEP_IS
    tenths = quantiles(taken, n=10, method="inclusive")
    low, high = round(tenths[0]), round(tenths[-1])
    span = f"{low:,} to {high:,} steps" if low < high else f"about {low:,} steps"
    return f"{STEP_IS} Most runs of this install take {span}."


def usual_steps(profile_id: int) -> str:
    """Describe the median of the average step counts of schedules with this profile; empty if none ran."""
    known = Schedule.objects.filter(profile=profile_id, avg_turns_per_firing__isnull=False)
    rows = list(known.values_list("avg_turns_per_firing", "avg_is_lower_bound"))
    if not rows:
        return ""
    least = "at least " if any(cut_off for _, cut_off in rows) else ""
    return f"schedules with this profile average {least}~{median(steps or 0 for steps, _ in rows):.0f} steps"


def chat_first(conf: Conf) -> str:
    """Explain deferral for chat and its limit."""
    return (
        "Chat has priority: while a chat reply streams, a due run is deferred for up to "
        f"{conf.chat_pressure_max_delay_sec} s. Then it fires anyway."
    )
