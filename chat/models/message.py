"""Messages: of users, and replies of agents, which stream first."""

from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL

from agents.models import Profile, Transcript
from chat.models.conversation import Conversation
from chat.states import FINISHED, UNFINISHED, MessageStatus, Role

# The descendants of unfinished replies: they wait until the reply is finished.
QUEUED = """
    WITH RECURSIVE below(id) AS (
        SELECT id FROM chat_message WHERE parent_id IN (
            SELECT id FROM chat_message WHERE status = 'pending'
            UNION ALL SELECT id FROM chat_message WHERE status = 'streaming'
        )
        UNION SELECT chat_message.id FROM chat_message JOIN below ON chat_message.parent_id = below.id
    ) SELECT id FROM below
"""


class MessageQuerySet(models.QuerySet["Message"]):
    def of(self, owner: User) -> "MessageQuerySet":
        """Filter by owner, without deleted conversations."""
        return self.filter(conversation__owner=owner, conversation__deleted_at=None)

    def replies(self) -> "MessageQuerySet":
        return self.filter(role=Role.ASSISTANT)

    def unfinished(self) -> "MessageQuerySet":
        return self.filter(status__in=UNFINISHED)

    def streaming(self) -> "MessageQuerySet":
        return self.filter(status=MessageStatus.STREAMING)

    def ready(self) -> "MessageQuerySet":
        """Filter pending replies that can start: all replies before them are finished."""
        queued = RawSQL(QUEUED, ())  # noqa: S611 - a constant
        return self.filter(status=MessageStatus.PENDING, asks_since=None).exclude(pk__in=queued)

    def held_by(self, holder: str) -> "MessageQuerySet":
        return self.streaming().filter(holder=holder)

    def expired(self, now: datetime) -> "MessageQuerySet":
        """Filter replies whose lease has expired."""
        return self.streaming().filter(lease_expires_at__lte=now)


class Message(models.Model):
    """Only `chat.transitions` writes its status, lease and text. A reply's log is its transcript."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="messages")
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")
    role = models.CharField(max_length=12, choices=Role)
    status = models.CharField(max_length=12, choices=MessageStatus, default=MessageStatus.PENDING)
    reason = models.CharField(max_length=32, blank=True, help_text="Why it ended, for programs.")
    notice = models.CharField(max_length=500, blank=True, help_text="Why it ended, for users.")
    text = models.TextField(blank=True)
    files = models.TextField(
        blank=True, default="", db_default="", help_text="The names of its files, one per line."
    )
    outline = models.JSONField(null=True, help_text="The parts of a finished reply in their order.")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    client_msg_id = models.CharField(max_length=100, null=True)
    profile = models.ForeignKey(Profile, models.SET_NULL, null=True)
    model = models.CharField(max_length=120, blank=True)
    transcript = models.ForeignKey(Transcript, models.PROTECT, null=True, related_name="messages")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    # The lease.
    token = models.UUIDField(null=True)
    holder = models.CharField(max_length=120, blank=True)
    lease_expires_at = models.DateTimeField(null=True)
    stop_requested_at = models.DateTimeField(null=True)
    asks_since = models.DateTimeField(null=True, help_text="Time since it waits for an approval.")

    # Usage; the latency of a reply is in its stream record (agents.live_streams).
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=8, default=0)

    # Of a delivered run. Plain ids: chat does not import schedules.
    run_id = models.BigIntegerField(null=True, db_index=True)
    schedule_id = models.BigIntegerField(null=True)
    delivery_key = models.CharField(max_length=80, null=True, unique=True)
    card = models.JSONField(default=dict, help_text="Data shown with the text, by `type`.")

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["conversation", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["author", "client_msg_id"], name="message_once_per_client_id"),
            models.CheckConstraint(
                condition=Q(status__in=UNFINISHED) | ~Q(text="") | ~Q(notice="") | ~Q(files=""),
                name="message_finished_is_never_blank",
            ),
            models.CheckConstraint(
                condition=Q(status__in=FINISHED, finished_at__isnull=False)
                | Q(status__in=UNFINISHED, finished_at__isnull=True),
                name="message_finished_has_its_moment",
            ),
            models.CheckConstraint(
                condition=~Q(status=MessageStatus.STREAMING)
                | Q(token__isnull=False, lease_expires_at__isnull=False),
                name="message_streaming_has_a_lease",
            ),
            models.CheckConstraint(
                condition=Q(status=MessageStatus.STREAMING) | Q(token__isnull=True),
                name="message_not_streaming_has_no_token",
            ),
            models.CheckConstraint(
                condition=Q(role=Role.ASSISTANT) | Q(status=MessageStatus.COMPLETE),
                name="message_of_a_person_is_complete",
            ),
        ]
        indexes = [
            models.Index(fields=["lease_expires_at"], condition=Q(status="streaming"), name="message_leases"),
            models.Index(fields=["id"], condition=Q(status="pending"), name="message_pending"),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.pk}"

    @property
    def finished(self) -> bool:
        return self.status in FINISHED

    @property
    def withdrawn(self) -> bool:
        """Whether the user cancelled it before it started."""
        return self.status == MessageStatus.STOPPED and self.started_at is None

    @property
    def stream_key(self) -> str:
        """The key of its live stream."""
        return f"message:{self.pk}"
