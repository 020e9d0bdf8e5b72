"""Example answers for the OpenAPI document; tests compare them with the schemas."""

import json
from typing import Any

from schedules.api.schemas.runs import EXAMPLE as RUN
from schedules.api.schemas.schedules import EXAMPLE as SCHEDULE
from schedules.api.schemas.upcoming import EXAMPLE as FIRE

COLLISION: Any = json.loads("""{
  "type": "cron_collision",
  "message": "At 09:00, “Morning report” would wait about 20 min for one of 2 slots: 3 runs come together.",
  "overlapping_schedules": ["Nightly audit", "Inbox"], "overlapping_schedule_ids": ["9", "11"],
  "overlapping_minutes": ["09:00"], "estimated_concurrent_steps": 120, "estimated_wait_sec": 1200,
  "suggestion": "20 minutes later, next at 09:20, nobody would wait."
}""")

SAVED: Any = {"schedule": SCHEDULE, "warnings": [COLLISION]}

PREVIEW: Any = {
    "description": "At 09:00, Monday through Friday",
    "cron": "0 9 * * 1-5",
    "every_sec": None,
    "timezone": "Europe/Berlin",
    "next_fires": [FIRE["local_at"]],
    "items": [FIRE],
    "warnings": [],
}

SLOTS: Any = json.loads("""[
  {"pool": "default", "number": 1, "enabled": true, "run_id": "42", "schedule_id": "7",
   "schedule_name": "Morning report", "holder": "scheduler@host:4711:9f3a2c",
   "slot_claimed_at": "2026-11-24T08:00:00.020Z", "lease_expires_at": "2026-11-24T08:01:00.020Z",
   "deadline_at": "2026-11-24T08:20:00.020Z"},
  {"pool": "default", "number": 2, "enabled": true, "run_id": null, "schedule_id": null,
   "schedule_name": null, "holder": null, "slot_claimed_at": null, "lease_expires_at": null,
   "deadline_at": null}
]""")

QUEUED: Any = RUN | {
    "id": "43",
    "firing_id": "41",
    "status": "queued",
    "wait_reason": "chat",
    **dict.fromkeys(
        ("slot", "holder", "started_at", "slot_claimed_at", "lease_expires_at", "deadline_at"), None
    ),
    **dict.fromkeys(("turn_count", "input_tokens", "output_tokens", "cost_usd"), 0),
    "expected_start_at": None,
}

SCHEDULER: Any = json.loads("""{
  "alive": true, "executing": true, "seen_at": "2026-11-24T08:00:40Z",
  "processes": [{"holder": "scheduler@host:4711:9f3a2c", "host": "host", "pid": 4711, "executes": true,
                 "claims": true,
                 "started_at": "2026-11-23T17:00:00Z", "seen_at": "2026-11-24T08:00:40Z",
                 "event_loop_lag_ms": 1.8, "rss_mb": 143.2}]
}""")

STATUS: Any = {
    "at": "2026-11-24T08:00:42Z",
    "max_concurrent": 2,
    "scheduled_work_stopped": False,
    "running": 1,
    "queue_count": 1,
    "slots": SLOTS,
    "queue": [QUEUED],
    "waiting": [],
    "live_streams": [
        {
            "key": "message:120",
            "holder": "web@host:4710:77c0de",
            "started_at": "2026-11-24T08:00:38Z",
            "expires_at": "2026-11-24T08:01:08Z",
        }
    ],
    "scheduler": SCHEDULER,
}

FORECAST: Any = json.loads("""{
  "items": [{"schedule_id": "7", "schedule_name": "Morning report", "timezone": "Europe/Berlin",
             "due_at": "2026-11-25T08:00:00Z", "start_at": "2026-11-25T08:00:00Z",
             "end_at": "2026-11-25T08:03:04Z", "wait_sec": 0, "skipped_because": null}],
  "count": 1, "from": "2026-11-24T08:05:00Z", "until": "2026-11-26T08:05:00Z", "cap": 2, "runs": 1,
  "skipped": 0, "peak_concurrent": 1, "peak_at": "2026-11-25T08:00:00Z", "peak_waiting": 0,
  "longest_wait_sec": 0, "wait_p95_sec": 0, "turns": 41, "cost_usd": 1.6725, "schedules_left_out": 0,
  "scheduled_work_stopped": false,
  "days": [{"date": "2026-11-25", "firings": 1, "runs": 1, "turns": 41, "cost_usd": 1.6725}]
}""")

STAGGER: Any = json.loads("""{
  "items": [{"schedule_id": "7", "schedule_name": "Morning report", "timezone": "Europe/Berlin",
             "shift_min": 20, "cron_before": "0 9 * * 1-5", "cron_after": "20 9 * * 1-5", "steps": 120}],
  "count": 1, "from": "2026-11-24T08:05:00Z", "until": "2026-11-26T08:05:00Z", "cap": 2,
  "peak_steps_before": 3120, "peak_steps_after": 3000, "longest_wait_sec_before": 184,
  "longest_wait_sec_after": 0, "peak_waiting_before": 1, "peak_waiting_after": 0, "runs_before": 4,
  "runs_after": 4
}""")
