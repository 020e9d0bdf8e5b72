"""The columns of the list of schedules."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from schedules.admin.badges import schedule_badge
from schedules.admin.firings import sparkline
from schedules.models import Schedule
from schedules.states import ScheduleStatus
from schedules.timing import describe
from schedules.timing.timezones import zone
from schedules.transitions.streaks import WARN_AFTER_BREACHES, WARN_AFTER_SLOW_RUNS
from stagent.lib import clock
from stagent.lib.web import formatting
from stagent.lib.web.admin import ConsoleAdmin

BREAK = format_html("/<wbr>{}", "")  # where a long zone name can wrap
OVERDUE = timedelta(seconds=15)
BUTTON = '<button class="button small" type="submit" form="row-form" formaction="{}">{}</button>'


class ScheduleChangeList(ChangeList):
    """A page of schedules, each with its last firings and the buttons for the reader."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        schedules = list(self.result_list)
        histories = sparkline.recent_firings(schedule.pk for schedule in schedules)
        for schedule in schedules:
            schedule.lately = histories[schedule.pk]
            schedule.verbs = verbs_for(schedule, request.user)
        self.result_list = schedules


class ScheduleColumns(ConsoleAdmin):
    list_display: Any = ("title", "state", "rhythm", "next", "lately", "steps", "streaks", "buttons")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ScheduleChangeList

    @admin.display(description="schedule", ordering="name")
    def title(self, schedule: Schedule) -> SafeString:
        project = f" · {schedule.project}" if schedule.project else ""
        return format_html('{}<span class="under">{}{}</span>', schedule.name, schedule.profile, project)

    @admin.display(description="status", ordering="status")
    def state(self, schedule: Schedule) -> SafeString:
        return schedule_badge(schedule)

    @admin.display(description="when", ordering="cron")
    def rhythm(self, schedule: Schedule) -> SafeString:
        parts = format_html_join(BREAK, "{}", ((part,) for part in schedule.timezone.split("/")))
        return format_html('{}<span class="under">{}</span>', describe.rhythm(schedule), parts)

    @admin.display(description="next firing", ordering="next_fire_at")
    def next(self, schedule: Schedule) -> SafeString:
        now = clock.now()
        if schedule.deferred_until and schedule.deferred_until > now:
            return format_html(
                '{}<span class="under">waiting for chat</span>', formatting.ago(schedule.deferred_until, now)
            )
        if schedule.next_fire_at is None:
            return formatting.EMPTY
        local = formatting.clock(schedule.next_fire_at, zone(schedule.timezone))
        if schedule.next_fire_at < now - OVERDUE:
            return format_html(
                '{}<span class="under">{}</span>',
                formatting.badge("overdue", "bad", "No scheduler has fired it"),
                local,
            )
        return format_html(
            '{}<span class="under">{}</span>', formatting.ago(schedule.next_fire_at, now), local
        )

    @admin.display(description="last 20")
    def lately(self, schedule: Schedule) -> SafeString:
        url = f"{reverse('admin:schedules_firing_changelist')}?schedule__id__exact={schedule.pk}"
        return formatting.link(url, sparkline.draw(schedule.lately))  # type: ignore[attr-defined]

    @admin.display(description="steps", ordering="avg_turns_per_firing")
    def steps(self, schedule: Schedule) -> SafeString:
        most = schedule.max_turns or schedule.profile.max_turns
        under = format_html('<span class="under">of {}</span>', formatting.count(most)) if most else ""
        usual = formatting.at_least(
            formatting.count(schedule.avg_turns_per_firing), schedule.avg_is_lower_bound
        )
        return format_html("{}{}", usual, under)

    @admin.display(description="streaks", ordering="-failure_streak")
    def streaks(self, schedule: Schedule) -> SafeString:
        return (
            format_html_join(" ", "{}", ((badge,) for badge in streak_badges(schedule))) or formatting.EMPTY
        )

    @admin.display(description="")
    def buttons(self, schedule: Any) -> SafeString | str:
        if not schedule.verbs:
            return ""
        url = [
            (reverse("admin:schedules_schedule_do", args=[schedule.pk, verb]), word)
            for verb, word in schedule.verbs.items()
        ]
        return format_html('<span class="row-buttons">{}</span>', format_html_join("", BUTTON, url))


def verbs_for(schedule: Schedule, user: Any) -> dict[str, str]:
    """Return the buttons of a row by permission and status."""
    verbs = {"run": "Run"} if user.has_perm("schedules.run_schedule") else {}
    buttons = {ScheduleStatus.ACTIVE: ("pause", "Pause"), ScheduleStatus.PAUSED: ("resume", "Resume")}
    if user.has_perm("schedules.change_schedule") and schedule.status in buttons:
        verbs |= [buttons[ScheduleStatus(schedule.status)]]
    return verbs


def streak_badges(schedule: Schedule) -> list[SafeString]:
    """Return a badge for each current streak."""
    badges = []
    if schedule.failure_streak:
        badges.append(
            formatting.badge(
                f"{schedule.failure_streak} failed",
                "bad",
                f"consecutive, last: {schedule.last_failure_reason}",
            )
        )
    if breaches := schedule.turn_budget_breach_streak:
        tone = "bad" if breaches >= WARN_AFTER_BREACHES else "wait"
        badges.append(
            formatting.badge(f"{breaches} at the limit", tone, "consecutive runs reached their step limit")
        )
    if schedule.slow_streak >= WARN_AFTER_SLOW_RUNS:
        badges.append(
            formatting.badge(f"{schedule.slow_streak} slow", "wait", "consecutive runs near their time limit")
        )
    return badges
