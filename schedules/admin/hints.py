"""What helps while a schedule is written: how many steps are usual, and what a prompt cannot do."""

import re
from statistics import median

from schedules.models import Schedule

STEPS_ARE = "One step = one agent action… most schedules use 50–500 steps; heavy research runs 2,000+"
NOT_A_LIMIT = (
    "“{}” in the prompt is a hint to the agent and not a limit. "
    "The limit is the field “max agent steps per run”."
)
UNITS = r"(?:turns?|steps?|iterations?|tool calls?|actions?|rounds?)"
MOST = r"(?:max(?:imum)?(?: of)?|at most|no more than|not more than|up to|limit(?: of| to|ed to)?|within)"
NUMBER = r"\d+(?:,\d{3})*"
LIMIT = re.compile(
    rf"\b{MOST}[:\s]+{NUMBER}\s+{UNITS}\b|\b{MOST}[_\s]{UNITS}[:=\s]+{NUMBER}|\b{UNITS}[_\s]limit[:=\s]+{NUMBER}",
    re.IGNORECASE,
)


def limit_in(prompt: str) -> str:
    """Return the words of a prompt that sound like a limit, or nothing."""
    found = LIMIT.search(prompt)
    return found[0] if found else ""


def usual_steps(profile_id: int) -> str:
    """Say what schedules with this profile take, the median of their averages; nothing where none ran."""
    known = Schedule.objects.filter(profile=profile_id, avg_turns_per_firing__isnull=False)
    rows = list(known.values_list("avg_turns_per_firing", "avg_is_lower_bound"))
    if not rows:
        return ""
    least = "at least " if any(cut_off for _, cut_off in rows) else ""
    return f"schedules with this profile average {least}~{median(steps or 0 for steps, _ in rows):.0f} steps"
