"""Tables: schedules, firings, runs, slots, pools, deliveries, notices. Imports timing."""

from schedules.models.counter_total import CounterTotal
from schedules.models.delivery import Delivery
from schedules.models.firing import Firing
from schedules.models.notice import Notice
from schedules.models.process_health import ProcessHealth
from schedules.models.run import Run
from schedules.models.schedule import Schedule
from schedules.models.scheduler import Scheduler
from schedules.models.setting import Setting
from schedules.models.slot import Pool, Slot

__all__ = [
    "CounterTotal",
    "Delivery",
    "Firing",
    "Notice",
    "Pool",
    "ProcessHealth",
    "Run",
    "Schedule",
    "Scheduler",
    "Setting",
    "Slot",
]  # fmt: skip
