"""Slots and pools. N enabled slots of a pool are a capacity of N."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

DEFAULT_POOL = "default"  # the global cap; its size is the setting SCHEDULE_MAX_CONCURRENT
MOST_SLOTS = 1000  # of a pool, and of the cap
OVERFLOW_POOL = "overflow"  # where forced runs go when the default pool is full


class Pool(models.Model):
    """A limit below the global cap; a run of this pool also holds one of its slots."""

    name = models.SlugField(primary_key=True)
    size = models.PositiveIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(MOST_SLOTS)]
    )

    class Meta:
        ordering = ["name"]
        verbose_name = "concurrency pool"
        constraints = [
            models.CheckConstraint(condition=Q(size__range=(1, MOST_SLOTS)), name="pool_size_is_bounded"),
        ]

    def __str__(self) -> str:
        return self.name


class SlotQuerySet(models.QuerySet["Slot"]):
    def free(self) -> "SlotQuerySet":
        return self.filter(run__isnull=True, enabled=True)

    def held(self) -> "SlotQuerySet":
        return self.filter(run__isnull=False)

    def within(self, pool: str, size: int) -> "SlotQuerySet":
        """Filter the slots within the current size of a pool."""
        return self.filter(pool=pool, number__lte=size)


class Slot(models.Model):
    """One unit of capacity; `run` is its holder."""

    pool = models.SlugField(default=DEFAULT_POOL)
    number = models.PositiveIntegerField()
    enabled = models.BooleanField(
        default=True, help_text="A disabled slot finishes its run and takes no further one."
    )
    run = models.ForeignKey("schedules.Run", models.PROTECT, null=True, blank=True, related_name="slots")

    objects = SlotQuerySet.as_manager()

    class Meta:
        ordering = ["pool", "number"]
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="slot_numbered_once"),
            models.UniqueConstraint(fields=["run", "pool"], name="slot_one_per_run_and_pool"),
        ]

    def __str__(self) -> str:
        return f"{self.pool} #{self.number}"
