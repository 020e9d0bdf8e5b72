"""The checks of `manage.py doctor`, one function each."""

import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import django
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection, transaction

from agents import conf as agents_conf
from agents.models import LiveStream, Provider
from schedules import cluster_handoff
from schedules import conf as schedules_conf
from schedules.capacity import effective_cap
from schedules.dispatch import next_instant_check
from schedules.models import Run, Schedule, Scheduler
from schedules.timing.timezones import ZoneError, zone
from stagent.lib import clock, zone_data
from stagent.lib.database_errors import describe, is_disk_full
from stagent.ops import health
from stagent.ops.doctor import delivery_checks
from stagent.ops.doctor.prices import prices
from stagent.ops.doctor.servers import mcp_servers
from stagent.ops.health import Finding, Level

UNREAPED = timedelta(seconds=30)  # a lapsed lease is settled long before that, if anybody reaps
CONNECT_SEC = 3.0
MEGABYTE = 1024 * 1024

type Check = Callable[[datetime], Finding]


def examine(now: Callable[[], datetime]) -> Iterator[Finding]:
    """Run all checks; one that fails is a finding, and the others go on."""
    yield from (_safely(check, datetime.now(UTC)) for check in (versions, data_folder, provider, broadcast))
    for precondition in (health.database, health.migrations):
        finding = precondition()
        yield finding
        if finding.level == Level.FAIL:
            return
    yield from (_safely(check, now()) for check in IN_THE_DATABASE)
    yield from mcp_servers(now())


def _safely(check: Check, now: datetime) -> Finding:
    try:
        return check(now)
    except (DatabaseError, OSError, ValueError) as error:
        said = "the disk is full" if is_disk_full(error) else describe(error)
        return Finding(check.__name__.replace("_", " "), Level.FAIL, said)


def versions(now: datetime) -> Finding:
    """Report the versions."""
    return Finding("versions", Level.OK, f"Python {sys.version.split()[0]}, Django {django.__version__}")


def data_folder(now: datetime) -> Finding:
    """Write into the data folder and check the free space."""
    probe = settings.DATA_DIR / ".doctor"
    try:
        probe.write_text("can be written")
    finally:
        probe.unlink(missing_ok=True)
    free = shutil.disk_usage(settings.DATA_DIR).free // MEGABYTE
    level = Level.FAIL if free < 20 else Level.WARN if free < 500 else Level.OK
    return Finding("data folder", level, f"{settings.DATA_DIR}, {free:,} MB free")


def provider(now: datetime) -> Finding:
    """Report which model answers, and whether its server is reachable."""
    if agents_conf.offline():
        return Finding("provider", Level.OK, "offline model (no ANTHROPIC_API_KEY, no ANTHROPIC_BASE_URL)")
    try:
        host, port = _address(agents_conf.base_url() or agents_conf.PROVIDER_URL)
    except ValueError:
        return Finding("provider", Level.FAIL, "ANTHROPIC_BASE_URL is not the address of a server")
    key = "with a key" if agents_conf.api_key() else "without a key"
    whom = f"{host}:{port}, {key}"
    try:
        socket.create_connection((host, port), CONNECT_SEC).close()
    except OSError as error:
        return Finding("provider", Level.FAIL, f"{whom}: cannot be reached ({error})")
    return Finding(
        "provider", Level.OK, f"{whom}: can be reached; default model {agents_conf.default_model()}"
    )


def _address(url: str) -> tuple[str, int]:
    """Return host and port of a URL. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(url)
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def broadcast(now: datetime) -> Finding:
    """Send through the channel layer, if Redis is configured."""
    if not settings.REDIS_URL:
        return Finding("broadcast", Level.OK, "in memory: one web process (set REDIS_URL for more)")
    address = urlsplit(settings.REDIS_URL)
    socket.create_connection((address.hostname or "", address.port or 6379), CONNECT_SEC).close()
    return Finding("broadcast", Level.OK, f"{type(get_channel_layer()).__name__} at {address.hostname}")


def database(now: datetime) -> Finding:
    """Check the database modes that Stagent relies on."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT current_setting('server_version'), current_setting('transaction_isolation')"
            )
            number, isolation = cursor.fetchone()
            with transaction.atomic():  # the disk of its server may be full
                cursor.execute("CREATE TEMPORARY TABLE doctor AS SELECT repeat('x', 8000)")
                cursor.execute("DROP TABLE doctor")
            level = Level.OK if isolation == "read committed" else Level.FAIL
            return Finding("mode", level, f"PostgreSQL {number}, {isolation}")
        cursor.execute("SELECT sqlite_version()")
        (number,) = cursor.fetchone()
        cursor.execute("PRAGMA journal_mode")
        (journal,) = cursor.fetchone()
    begins = settings.DATABASES["default"]["OPTIONS"]["transaction_mode"]
    level = Level.OK if (journal, begins) == ("wal", "IMMEDIATE") else Level.FAIL
    return Finding("mode", level, f"SQLite {number}, journal {journal}, transactions begin {begins}")


def clocks(now: datetime) -> Finding:
    """Compare this machine's clock with the database's, or with stored moments."""
    if connection.vendor == "postgresql":
        ahead = (clock.now() - datetime.now(UTC)).total_seconds()
        level = Level.FAIL if abs(ahead) > 60 else Level.WARN if abs(ahead) > 2 else Level.OK
        return Finding("clock", level, f"the database's is {ahead * 1000:+.0f} ms from ours; its counts")
    last = Scheduler.objects.order_by("-seen_at").values_list("seen_at", flat=True).first()
    if last and last > now + timedelta(seconds=5):
        return Finding("clock", Level.FAIL, f"was set back: a scheduler was seen in the future, {last:%F %T}")
    return Finding("clock", Level.OK, f"{now:%F %T} UTC")


def zones(now: datetime) -> Finding:
    """Load the time zones of the install and of every schedule."""
    source = f"time-zone data {zone_data.choose_zone_data()}"
    used = {settings.TIME_ZONE, *Schedule.objects.order_by().values_list("timezone", flat=True).distinct()}
    if unknown := sorted(name for name in used if not _known(name)):
        return Finding("zones", Level.FAIL, f"unknown: {', '.join(unknown)}; {source}")
    there = {one.zone_data for one in Scheduler.objects.running(now) if one.zone_data}
    if others := sorted(there - {str(zone_data.choose_zone_data())}):
        return Finding("zones", Level.WARN, f"schedulers use others: {', '.join(others)}; here {source}")
    return Finding("zones", Level.OK, f"{len(used)} in use, the install's is {settings.TIME_ZONE}; {source}")


def _known(name: str) -> bool:
    try:
        zone(name)
    except ZoneError:
        return False
    return True


def next_firings(now: datetime) -> Finding:
    """Name the schedules whose next firing does not follow from their recurrence."""
    wrong, unseen = next_instant_check.find_inconsistent()
    if not wrong:
        rest = f"; {unseen} schedules were not looked at, for there was no time" if unseen else ""
        return Finding("next firings", Level.OK, f"explained by their rhythms{rest}")
    named = ", ".join(f"{schedule.name} ({schedule.pk})" for schedule in wrong[:10])
    told = f"{len(wrong)} not explained by their rhythm: {named}; a running scheduler corrects them"
    return Finding("next firings", Level.FAIL, told)


def ignored_settings(now: datetime) -> Finding:
    """Name the settings with an invalid value."""
    ignored = [f"{value.key.name} ({value.ignored})" for value in schedules_conf.in_force() if value.ignored]
    if ignored:
        return Finding("settings", Level.WARN, f"ignored: {', '.join(ignored)}")
    cap = effective_cap.snapshot(now)
    if cap.differs:
        by = f"a scheduler works by a cap of {cap.value} ({cap.source})"
        return Finding("settings", Level.WARN, f"{by}; read here, it is {cap.here}")
    return Finding("settings", Level.OK, f"cap {cap.value}")


def breakers(now: datetime) -> Finding:
    """Name the blocked providers."""
    blocked = [f"{one.name} until {_until(one):%T} UTC" for one in Provider.objects.blocked(now)]
    if blocked:
        return Finding("breakers", Level.WARN, f"open: {', '.join(blocked)}")
    return Finding("breakers", Level.OK, "closed")


def _until(one: Provider) -> datetime:
    return max(moment for moment in (one.open_until, one.blocked_until) if moment)


def stale_leases(now: datetime) -> Finding:
    """Check for expired leases that nobody reaped."""
    runs = Run.objects.expired(now - UNREAPED).values_list("pk", flat=True)[:5]
    streams = LiveStream.objects.filter(expires_at__lte=now - timedelta(hours=1)).count()
    if runs:
        return Finding("leases", Level.FAIL, f"lapsed and not reaped: runs {', '.join(map(str, runs))}")
    level = Level.WARN if streams else Level.OK
    return Finding("leases", level, f"{streams} streams left behind" if streams else "none is stale")


def workers(now: datetime) -> Finding:
    """Report which processes execute runs."""
    if not cluster_handoff.is_cluster():
        return Finding("executor", Level.OK, "local: schedulers perform runs themselves")
    there = [one for one in Scheduler.objects.running(now) if one.is_worker]
    if not there:
        return Finding("executor", Level.FAIL, "no worker is running; manage.py procrastinate worker")
    if unserved := cluster_handoff.unserved(now):
        pools = ", ".join(sorted(pool or "default" for pool in unserved))
        return Finding("executor", Level.FAIL, f"no worker performs runs of the pool {pools}")
    cap, room = effective_cap.snapshot(now).value, sum(one.cap or 0 for one in there)
    figures = f"{len(there)} workers on {len({one.host for one in there})} hosts, {room} runs at once"
    if room < cap:
        return Finding(
            "executor", Level.WARN, f"{figures}, fewer than the cap of {cap}: slots wait for workers"
        )
    return Finding("executor", Level.OK, figures)


IN_THE_DATABASE: tuple[Check, ...] = (
    database,
    clocks,
    zones,
    next_firings,
    ignored_settings,
    breakers,
    stale_leases,
    health.scheduler,
    health.processes,
    workers,
    prices,
    delivery_checks.operators,
    delivery_checks.deliveries,
    delivery_checks.books,
)
