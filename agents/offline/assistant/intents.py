"""Parses a request: the first matching pattern gives the intent and its parameters.

Only the first paragraph is parsed; what follows is content to work on.
"""

import re
from dataclasses import dataclass, field

from agents.offline import history
from agents.offline.request import OfflineRequest

NAME = r"[`\"'“]?(?P<name>[^`\"'“”?.!,;:\n]{1,120}?)[`\"'”]?"
SCHEDULE = rf"(?:the )?(?:schedule )?{NAME}"
PATH = r"[`\"']?(?P<path>(?:[\w.-]+/)*[\w-]+(?:\.\w{1,8})+)[`\"']?"
FILE = rf"(?:the )?(?:file )?{PATH}"
END = r"\s*[?.!]*$"
CANCEL = r"(?:stop|cancel|abort|kill|terminate|halt|interrupt)"
THE_RUN = r"(?:the |my |this |that )?(?:running |current |queued |ongoing )?(?:run|job)"
BECAUSE = r"(?:\s*[,:(]?\s*(?:because|since|as|for now|reason:?)\s*(?:of )?(?P<reason>.*?)\)?)?"
RUNNING = r"(?: that (?:is|are))? (?:runs?|running(?: runs?)?|jobs?)"
DAYS_AHEAD = r"(?:tonight|tomorrow|today|next \d+|this \w+)"


def pattern(text: str) -> re.Pattern[str]:
    """Compile a case-insensitive pattern; a space matches any whitespace."""
    return re.compile(text.replace(" ", r"\s+"), re.IGNORECASE | re.DOTALL)


URL = re.compile(r"https?://[^\s<>\"'`)\]]+[^\s<>\"'`)\].,;:!?]")
WANT_TO = r"i(?:'d| would)? (?:want|like|need) (?:you )?to"
POLITE_WORDS = (
    rf"please|hey|hi|hello|ok|okay|now|then|and|also|(?:can|could|would|will) you|{WANT_TO}|kindly|let'?s"
)
OPENING = pattern(rf"^(?:(?:{POLITE_WORDS})\b[\s,!]*)+(?=\w)")
QUESTION = pattern(r"^(?:what|when|which|why|how|who|is|are|does|did|do|show|list|explain|describe)\b")

INTENTS: list[tuple[str, re.Pattern[str]]] = [
    (
        "help",
        pattern(r"^(?:hi|hello|hey|help|what can you do|(?:who|what) are you|how do you work)\b.{0,40}$"),
    ),
    (
        "summarise",
        pattern(r"^(?:summari[sz]e|shorten|tl;?dr|count the words)\b[^\n]{0,60}(?:: |\n)(?P<body>.+)$"),
    ),
    ("ask_person", pattern(r"^ask (?:me|a person|some ?one|some ?body)\b[\s,:]*(?P<question>.+)$")),
    (
        "call_tool",
        pattern(
            r"^(?:call|use)(?: the)?(?: tool)? [`\"'“]?(?P<tool>[\w-]+__[\w-]+)[`\"'”]?"
            r"(?:\s*(?:with|for|on|to|:)?\s+(?P<given>.+?))?\s*$"
        ),
    ),
    # files
    ("append_file", pattern(rf"^(?:append|add) (?P<content>.+?) to (?:the end of )?{FILE}{END}")),
    (
        "write_file",
        pattern(
            r"^(?:write|save|create|make|put|store) (?:(?:me )?an? |the |this )?(?:new )?"
            rf"(?:(?:note|file|text|list|it) )?(?:(?:to|in|into|called|named|as) )?{FILE}\s*"
            r"(?:saying|that says|with (?:the )?(?:content|text)|containing|with|:)\s*:?\s*(?P<content>.+)$"
        ),
    ),
    ("write_file", pattern(rf"^(?:write|save|put|store) (?P<content>.+?) (?:to|in|into|as) {FILE}{END}")),
    # changing schedules
    ("rename", pattern(rf"^rename {SCHEDULE} (?:to|as) [`\"'“]?(?P<new>.+?)[`\"'”]?{END}")),
    (
        "set_max_turns",
        pattern(
            r"^(?:set|change|raise|lower) (?:the )?(?:max(?:imum)? )?(?:agent )?(?:steps|turns|max[ _]turns) "
            rf"(?:limit )?(?:of|for) {SCHEDULE} to (?P<number>\d{{1,6}}){END}"
        ),
    ),
    (
        "reschedule",
        pattern(rf"^(?:change|move|reschedule|set|switch) {SCHEDULE} to (?:run )?(?P<timing>.+)$"),
    ),
    ("cancel_all", pattern(rf"^{CANCEL} (?:all|every|everything)(?: (?:the|of the))?{RUNNING}{END}")),
    ("cancel_run", pattern(rf"^{CANCEL} {THE_RUN} #?(?P<run>\d+){BECAUSE}{END}")),
    ("cancel_run", pattern(rf"^{CANCEL} {THE_RUN}s? (?:of|from|for) {SCHEDULE}(?: schedule)?{BECAUSE}{END}")),
    ("cancel_run", pattern(rf"^{CANCEL} {THE_RUN}{BECAUSE}{END}")),
    ("cancel_run", pattern(rf"^{CANCEL} {SCHEDULE}(?:'s)? (?:current |running )?runs?{BECAUSE}{END}")),
    ("stop", pattern(rf"^{CANCEL} {SCHEDULE}(?: schedule)?{BECAUSE}{END}")),
    (
        "pause",
        pattern(rf"^(?:pause|suspend|disable|hold) {SCHEDULE}(?: schedule)?{BECAUSE}{END}"),
    ),
    ("resume", pattern(rf"^(?:resume|unpause|re-?enable|enable|restart) {SCHEDULE}(?: schedule)?{END}")),
    (
        "run_now",
        pattern(
            rf"^(?:run|start|execute|fire|trigger) {SCHEDULE} (?:right )?(?:now|once|again|immediately){END}"
        ),
    ),
    ("run_now", pattern(rf"^(?:trigger|execute|fire|(?:run|start) (?:the )?schedule) {SCHEDULE}{END}")),
    # reasons
    (
        "missed",
        pattern(r"\bwhy did(?:n'?t)? (?:\w+ )?(?:\d{1,2}:\d\d|noon|midnight)\b.*\b(?:run|fire|start)"),
    ),
    ("explain", pattern(rf"\bwhy (?:is|was|has) {SCHEDULE} (?:paused|not run|not running|waiting|late)\b")),
    ("explain", pattern(rf"\bwhy did(?:n'?t)? {SCHEDULE} (?:not )?(?:run|fire|start){END}")),
    ("failures", pattern(rf"\bwhy did {SCHEDULE} (?:fail|break|stop|end)\b")),
    ("failures", pattern(r"\b(?:fail(?:ed|ing|s|ures?)?|went wrong|broke|broken)\b")),
    ("failures", pattern(r"\b(?:any|show|list|what|which|recent|last)\b.*\berrors\b")),
    # runs and forecast
    ("run_detail", pattern(r"\b(?:run|result of(?: run)?) #?(?P<run>\d+)\b")),
    (
        "runs",
        pattern(
            r"\b(?:list|show|recent|latest|last)\b.*\bruns\b|\b(?:what|which) runs (?:are|did|were|have)\b"
        ),
    ),
    ("forecast", pattern(r"\b(?:(?<!weather\s)forecast|busy|busiest|upcoming)\b")),
    ("forecast", pattern(r"\bnext (?:\d{1,3} hours?|day|night|days)\b.*\blook")),
    (
        "forecast",
        pattern(rf"\b(?:runs?|fires?|scheduled|happens?|due|starts?|coming|planned)\b.*\b{DAYS_AHEAD}\b"),
    ),
    ("explain", pattern(rf"\bnext run of {SCHEDULE}{END}")),
    ("list_schedules", pattern(r"\bwhen is the next\b|\bnext (?:run|firing)\b|\bwhat runs? next\b")),
    (
        "explain",
        pattern(
            rf"\bwhen (?:does|will|is|do) {SCHEDULE} (?:next )?"
            rf"(?:run|fire|start|due|scheduled)(?: next| again)?{END}"
        ),
    ),
    (
        "last_result",
        pattern(
            rf"\bwhat did {SCHEDULE} (?:say|find|report|answer|do|produce)"
            rf"(?: (?:last|today|yesterday|this)\b.*)?{END}"
        ),
    ),
    (
        "last_result",
        pattern(rf"\b(?:last|latest) (?:result|run|answer|report) (?:of|from|for) {SCHEDULE}{END}"),
    ),
    ("runs", pattern(r"\bwhat (?:has )?(?:ran|run|happened)\b|^runs\b.{0,3}$")),
    ("runs", pattern(r"\b(?:what|which|anything|who)\b.*\brunning\b")),
    # schedules
    (
        "list_schedules",
        pattern(r"\b(?:list|show|which|what|my|all|how many)\b.*\bschedules\b|^schedules?\b.{0,3}$"),
    ),
    ("list_schedules", pattern(r"\bwhat(?:'s| is) scheduled\b")),
    (
        "explain",
        pattern(rf"^(?:explain|describe|details? (?:of|on|for|about)) {SCHEDULE}(?: schedule)?{END}"),
    ),
    (
        "explain",
        pattern(
            r"\b(?:show|tell|what is|what does|how is|status of|about)\b.*?"
            rf"\bschedule {NAME}(?: do)?{END}"
        ),
    ),
    ("explain", pattern(rf"^(?:show(?: me)?|tell me about|status of) (?:the )?{NAME} schedule{END}")),
    # reading
    (
        "search_files",
        pattern(
            r"\b(?:search|grep|look) (?:for )?[`\"'“]?(?P<wanted>[^`\"'“”\n]+?)[`\"'”]? "
            r"in (?:the |my |all )?(?:files?|workspace|folder)\b"
        ),
    ),
    ("list_files", pattern(r"\bwhat(?:'s| is) in (?:the |my )?(?:workspace|folder|project)\b")),
    (
        "list_files",
        pattern(
            r"\b(?:list|show|what|which|count)\b.*\bfiles?\b"
            r"(?:.*?\bin (?:the )?(?:folder )?[`\"']?(?P<path>[\w./-]+))?"
        ),
    ),
    (
        "read_file",
        pattern(
            r"\b(?:read|open|show|cat|print|summari[sz]e|count|check|look at|what(?:'s| is) in"
            rf"|contents? of)\b.*?{PATH}"
        ),
    ),
]
CALL = pattern(r"(?:call|use)\b[^\n]{0,20}?\w__\w")  # then a URL is an argument
WHOLE_TEXT = {"summarise", "write_file", "call_tool"}  # these use all paragraphs

PRONOUNS = {"it", "that", "this", "that one", "this one", "the schedule", "that schedule", "this schedule"}


@dataclass(frozen=True)
class Intent:
    """The name of the intent and its parameters."""

    name: str
    params: dict[str, str] = field(default_factory=dict)


def parse_intent(text: str) -> Intent:
    """Return the intent of a text; "plain" if no pattern matches."""
    request_text = OPENING.sub("", text.strip())
    head = request_text.split("\n\n")[0][:600]
    if (url := URL.search(head)) and not CALL.match(request_text):
        return Intent("fetch", {"url": url[0]})
    for name, regex in INTENTS:
        if match := regex.search(request_text if name in WHOLE_TEXT else head):
            return Intent(name, {key: value.strip() for key, value in match.groupdict().items() if value})
    return Intent("plain")


@dataclass(frozen=True)
class IntentRequest:
    """A parsed request of a person."""

    request: OfflineRequest
    text: str
    params: dict[str, str] = field(default_factory=dict)

    @property
    def schedule(self) -> str:
        """The name of the schedule; "it" is the one that the last tool call was about."""
        name = self.params.get("name", "")
        return last_schedule(self.request) if name.lower() in PRONOUNS else name


def last_schedule(request: OfflineRequest) -> str:
    """Return the schedule of the last tool call, or an empty string."""
    inputs = reversed(history.earlier_inputs(request.messages))
    names = (
        values.get("schedule") or (values.get("name") if "prompt" in values else "") for values in inputs
    )
    return next((str(name) for name in names if name), "")
