"""The admin of the schedules app. Its buttons call the same services as the API."""

from schedules.admin.deliveries import DeliveryAdmin
from schedules.admin.firings.admin import FiringAdmin
from schedules.admin.notices import NoticeAdmin
from schedules.admin.pools import PoolAdmin
from schedules.admin.runs.admin import RunAdmin
from schedules.admin.schedulers import SchedulerAdmin
from schedules.admin.schedules.admin import ScheduleAdmin
from schedules.admin.settings import SettingAdmin
from schedules.admin.slots import SlotAdmin

__all__ = [
    "DeliveryAdmin", "FiringAdmin", "NoticeAdmin", "PoolAdmin", "RunAdmin",
    "ScheduleAdmin", "SchedulerAdmin", "SettingAdmin", "SlotAdmin",
]  # fmt: skip
