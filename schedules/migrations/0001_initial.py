import django.core.validators
import django.db.models.deletion
import schedules.models.schedule
import stagent.lib.names
from django.conf import settings
from django.db import migrations, models
from datetime import UTC, datetime


def start_counters(apps, schema_editor):
    """Counters of /metrics start now; firings are counted by id, the others by moment, in microseconds."""
    now = datetime.now(UTC)
    marks = {"firings": 0} | dict.fromkeys(("runs", "ledger", "streams"), int(now.timestamp() * 1_000_000))
    for source, mark in marks.items():
        apps.get_model("schedules", "CounterTotal").objects.create(source=source, mark=mark, ahead=mark, ahead_at=now)


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('agents', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CounterTotal',
            fields=[
                ('source', models.CharField(max_length=20, primary_key=True, serialize=False)),
                ('mark', models.BigIntegerField(default=0)),
                ('ahead', models.BigIntegerField(default=0)),
                ('ahead_at', models.DateTimeField()),
                ('totals', models.JSONField(default=dict)),
            ],
            options={
                'verbose_name_plural': 'tallies',
                'permissions': [('view_tally', 'Can read /metrics')],
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Firing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('schedule_name', models.CharField(max_length=120)),
                ('kind', models.CharField(choices=[('scheduled', 'Scheduled'), ('heartbeat', 'Heartbeat'), ('manual', 'Manual')], max_length=12)),
                ('nominal_at', models.DateTimeField()),
                ('outcome', models.CharField(choices=[('fired', 'Fired'), ('coalesced', 'Coalesced'), ('skipped_overlap', 'Skipped Overlap'), ('skipped_misfire', 'Skipped Misfire'), ('skipped_budget', 'Skipped Budget'), ('skipped_quiet_hours', 'Skipped Quiet Hours'), ('expired_in_queue', 'Expired In Queue'), ('limit_reached', 'Limit Reached'), ('missed', 'Missed')], max_length=20)),
                ('reason', models.CharField(blank=True, max_length=400)),
                ('count', models.PositiveIntegerField(default=1)),
                ('last_nominal_at', models.DateTimeField(help_text='The last of several instants; nominal_at is the first. Empty: there is one.', null=True)),
                ('recorded_at', models.DateTimeField(help_text='When it was decided, by the clock that decided.', null=True)),
                ('dst_shifted', models.BooleanField(default=False)),
                ('due_at', models.DateTimeField(help_text='The nominal instant and its jitter.')),
                ('fired_at', models.DateTimeField(null=True)),
                ('slot_claimed_at', models.DateTimeField(null=True)),
                ('completed_at', models.DateTimeField(null=True)),
                ('slot_wait_ms', models.PositiveBigIntegerField(null=True)),
                ('deferral_ms', models.PositiveBigIntegerField(null=True)),
                ('duration_ms', models.PositiveBigIntegerField(null=True)),
                ('turn_count', models.PositiveIntegerField(null=True)),
                ('max_turns_at_firing', models.PositiveIntegerField(null=True)),
                ('input_tokens', models.PositiveBigIntegerField(null=True)),
                ('output_tokens', models.PositiveBigIntegerField(null=True)),
                ('cost_usd', models.DecimalField(decimal_places=8, max_digits=14, null=True)),
                ('event_loop_lag_ms', models.FloatField(help_text='p99 while it ran.', null=True)),
                ('peak_rss_mb', models.FloatField(null=True)),
                ('chat_streams_active', models.PositiveIntegerField(help_text='When it claimed its slot.', null=True)),
                ('concurrent_runs', models.PositiveIntegerField(help_text='When it claimed its slot, itself included.', null=True)),
                ('failure_reason', models.CharField(blank=True, choices=[('turn_limit_exceeded', 'Turn Limit Exceeded'), ('timeout', 'Timeout'), ('budget_exceeded', 'Budget Exceeded'), ('auth_failed', 'Auth Failed'), ('rate_limited', 'Rate Limited'), ('overloaded', 'Overloaded'), ('aborted', 'Aborted'), ('lease_expired', 'Lease Expired'), ('worker_lost', 'Worker Lost'), ('refusal', 'Refusal'), ('context_window_exceeded', 'Context Window Exceeded'), ('truncated', 'Truncated'), ('tool_error', 'Tool Error'), ('sdk_error', 'Sdk Error')], max_length=32)),
            ],
            options={
                'ordering': ['-nominal_at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='ProcessHealth',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('holder', models.CharField(max_length=120, unique=True)),
                ('role', models.CharField(help_text='scheduler, worker, replies or web.', max_length=16)),
                ('host', models.CharField(max_length=80)),
                ('pid', models.PositiveIntegerField()),
                ('seen_at', models.DateTimeField(db_index=True)),
                ('parts', models.JSONField(default=list, help_text='Of each watched thread and task: name, state, restarts, error.')),
            ],
            options={
                'ordering': ['role', 'holder'],
            },
        ),
        migrations.CreateModel(
            name='Scheduler',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('holder', models.CharField(max_length=120, unique=True)),
                ('host', models.CharField(max_length=80)),
                ('pid', models.PositiveIntegerField()),
                ('claims', models.BooleanField(db_default=True, default=True, help_text='False: a worker, or started with --no-execute.')),
                ('executes', models.BooleanField(default=True, help_text='False: it hands runs over to workers, or --no-execute.')),
                ('pools', models.CharField(blank=True, db_default='', default='', help_text='The pools whose runs a worker performs, with commas between; empty is all.', max_length=300)),
                ('zone_data', models.CharField(blank=True, db_default='', default='', help_text='Version of its time-zone data.', max_length=60)),
                ('started_at', models.DateTimeField()),
                ('seen_at', models.DateTimeField(db_index=True)),
                ('event_loop_lag_ms', models.FloatField(help_text='p99 over the last minute.', null=True)),
                ('database_wait_ms', models.FloatField(help_text='How long calls waited for a database thread, p99 over the last minute.', null=True)),
                ('rss_mb', models.FloatField(null=True)),
                ('cap', models.PositiveIntegerField(help_text='How many runs at once it claims up to, or performs.', null=True)),
                ('cap_source', models.CharField(blank=True, default='', help_text='Where it has that from.', max_length=16)),
                ('gaps', models.JSONField(blank=True, db_default=[], default=list, help_text='When it recorded nothing: beginning, end and cause; an empty cause: it did not run.')),
            ],
            options={
                'ordering': ['-seen_at'],
            },
        ),
        migrations.CreateModel(
            name='Setting',
            fields=[
                ('key', models.CharField(max_length=60, primary_key=True, serialize=False)),
                ('value', models.CharField(max_length=60)),
                ('changed_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'ordering': ['key'],
            },
        ),
        migrations.CreateModel(
            name='Pool',
            fields=[
                ('name', models.SlugField(primary_key=True, serialize=False)),
                ('size', models.PositiveIntegerField(default=1, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000)])),
            ],
            options={
                'verbose_name': 'concurrency pool',
                'ordering': ['name'],
                'constraints': [models.CheckConstraint(condition=models.Q(('size__range', (1, 1000))), name='pool_size_is_bounded')],
            },
        ),
        migrations.CreateModel(
            name='Schedule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120, validators=[stagent.lib.names.validate_name])),
                ('key', models.CharField(blank=True, default=None, error_messages={'unique': 'Another schedule has this key.'}, help_text='Identifies the schedule in a schedule file, whatever its name.', max_length=100, null=True, unique=True, validators=[django.core.validators.RegexValidator('^[A-Za-z0-9][A-Za-z0-9._/-]*$')])),
                ('prompt', models.TextField()),
                ('kind', models.CharField(choices=[('scheduled', 'Scheduled'), ('heartbeat', 'Heartbeat')], default='scheduled', max_length=12)),
                ('status', models.CharField(choices=[('active', 'Active'), ('paused', 'Paused'), ('completed', 'Completed')], default='active', max_length=12)),
                ('cron', models.CharField(blank=True, max_length=200)),
                ('every_sec', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(60), django.core.validators.MaxValueValidator(2147483647)])),
                ('at', models.DateTimeField(blank=True, null=True, verbose_name='once, at')),
                ('interval', models.CharField(blank=True, help_text='The phrase that was entered, if it was one.', max_length=120)),
                ('timezone', models.CharField(default=schedules.models.schedule.install_zone, max_length=64, verbose_name='time zone')),
                ('anchor_at', models.DateTimeField(blank=True, help_text='The start of an interval in seconds.', null=True)),
                ('starts_at', models.DateTimeField(blank=True, null=True)),
                ('ends_at', models.DateTimeField(blank=True, null=True)),
                ('max_firings', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(2147483647)])),
                ('jitter_sec', models.PositiveIntegerField(default=0, validators=[django.core.validators.MaxValueValidator(86400)])),
                ('active_from', models.TimeField(blank=True, help_text='Heartbeats: no firing before this time of day.', null=True)),
                ('active_until', models.TimeField(blank=True, help_text='Heartbeats: no firing from this time of day on.', null=True)),
                ('overlap_policy', models.CharField(choices=[('skip', 'Skip'), ('queue_one', 'Queue One'), ('allow', 'Allow'), ('cancel_running', 'Cancel Running')], default='skip', max_length=16)),
                ('misfire_policy', models.CharField(choices=[('fire_once', 'Fire Once'), ('skip', 'Skip'), ('fire_all', 'Fire All')], default='fire_once', max_length=12)),
                ('misfire_grace_sec', models.PositiveIntegerField(blank=True, help_text='Empty: half the period, between 2 minutes and 6 hours.', null=True, validators=[django.core.validators.MaxValueValidator(31536000)])),
                ('max_retries', models.PositiveIntegerField(default=2, help_text='After failures not caused by the provider; those are limited by time.', validators=[django.core.validators.MaxValueValidator(10)])),
                ('retry_delay_sec', models.PositiveIntegerField(blank=True, help_text='Doubled at each retry, with random jitter. Empty: 5 seconds.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(3600)], verbose_name='first retry after, seconds')),
                ('retry_horizon_sec', models.PositiveIntegerField(blank=True, help_text='How long a run waits for an unavailable or overloaded provider. Empty: half the period, or one hour for one-time and manual runs.', null=True, validators=[django.core.validators.MinValueValidator(10), django.core.validators.MaxValueValidator(604800)], verbose_name='retry for at most, seconds')),
                ('priority', models.SmallIntegerField(default=0, help_text='-10 to 10; higher goes first.', validators=[django.core.validators.MinValueValidator(-10), django.core.validators.MaxValueValidator(10)])),
                ('max_turns', models.PositiveIntegerField(blank=True, help_text="Empty: the limit of the profile, then the global default.", null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(10000)], verbose_name='max agent steps per run')),
                ('max_turns_set_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('max_run_duration_sec', models.PositiveIntegerField(blank=True, help_text='Working time of one run; waiting does not count. Empty: the global default.', null=True, validators=[django.core.validators.MinValueValidator(10), django.core.validators.MaxValueValidator(86400)], verbose_name='time limit, seconds')),
                ('max_cost_usd', models.DecimalField(blank=True, decimal_places=4, max_digits=10, null=True, validators=[django.core.validators.MinValueValidator(0)], verbose_name='max cost per run, USD')),
                ('deliver_to_chat', models.BooleanField(default=True, help_text="Results are delivered as unread messages to the owner's chat.", verbose_name='deliver to chat')),
                ('webhook_url', models.URLField(blank=True, help_text='Results and self-pauses are sent here as JSON.')),
                ('email', models.EmailField(blank=True, help_text='Results and self-pauses are sent here by email.', max_length=254)),
                ('next_nominal_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('next_fire_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('next_dst_shifted', models.BooleanField(default=False, editable=False)),
                ('deferred_until', models.DateTimeField(blank=True, editable=False, null=True)),
                ('recorded_until', models.DateTimeField(blank=True, editable=False, help_text='Every instant up to here has a firing, or is older than the current timing.', null=True)),
                ('last_fired_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('firing_count', models.PositiveIntegerField(default=0, editable=False)),
                ('suppression_count', models.PositiveIntegerField(default=0, editable=False)),
                ('failure_streak', models.PositiveIntegerField(default=0, editable=False)),
                ('turn_budget_breach_streak', models.PositiveIntegerField(default=0, editable=False)),
                ('slow_streak', models.PositiveIntegerField(default=0, editable=False, help_text='Consecutive runs above 80 % of their time limit.')),
                ('last_failure_reason', models.CharField(blank=True, choices=[('turn_limit_exceeded', 'Turn Limit Exceeded'), ('timeout', 'Timeout'), ('budget_exceeded', 'Budget Exceeded'), ('auth_failed', 'Auth Failed'), ('rate_limited', 'Rate Limited'), ('overloaded', 'Overloaded'), ('aborted', 'Aborted'), ('lease_expired', 'Lease Expired'), ('worker_lost', 'Worker Lost'), ('refusal', 'Refusal'), ('context_window_exceeded', 'Context Window Exceeded'), ('truncated', 'Truncated'), ('tool_error', 'Tool Error'), ('sdk_error', 'Sdk Error')], editable=False, max_length=32)),
                ('last_turn_count', models.PositiveIntegerField(blank=True, editable=False, null=True)),
                ('avg_turns_per_firing', models.FloatField(blank=True, editable=False, null=True)),
                ('avg_duration_ms', models.FloatField(blank=True, editable=False, null=True)),
                ('avg_is_lower_bound', models.BooleanField(default=False, editable=False, help_text='The last run was cut off at its limit.')),
                ('paused_at', models.DateTimeField(editable=False, help_text='When it was last paused.', null=True)),
                ('resumed_at', models.DateTimeField(editable=False, help_text='When it was last resumed.', null=True)),
                ('paused_reason', models.CharField(blank=True, editable=False, max_length=300)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('owner', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('pool', models.ForeignKey(blank=True, help_text='Empty: only the global cap applies.', null=True, on_delete=django.db.models.deletion.PROTECT, to='schedules.pool')),
                ('profile', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='agents.profile')),
                ('project', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='agents.project')),
            ],
            options={
                'ordering': ['name', 'pk'],
                'permissions': [('force_run', 'Can run a schedule beyond the cap'), ('run_schedule', 'Can run a schedule now')],
            },
        ),
        migrations.CreateModel(
            name='Run',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('schedule_name', models.CharField(max_length=120)),
                ('prompt', models.TextField()),
                ('source', models.CharField(choices=[('scheduled', 'Scheduled'), ('heartbeat', 'Heartbeat'), ('manual', 'Manual'), ('retry', 'Retry')], max_length=12)),
                ('forced', models.BooleanField(default=False)),
                ('idempotency_key', models.CharField(max_length=200, null=True, unique=True)),
                ('pool', models.SlugField(blank=True, help_text='A concurrency pool beside the global cap.')),
                ('status', models.CharField(choices=[('queued', 'Queued'), ('running', 'Running'), ('waiting', 'Waiting'), ('completed', 'Completed'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='queued', max_length=12)),
                ('failure_reason', models.CharField(blank=True, choices=[('turn_limit_exceeded', 'Turn Limit Exceeded'), ('timeout', 'Timeout'), ('budget_exceeded', 'Budget Exceeded'), ('auth_failed', 'Auth Failed'), ('rate_limited', 'Rate Limited'), ('overloaded', 'Overloaded'), ('aborted', 'Aborted'), ('lease_expired', 'Lease Expired'), ('worker_lost', 'Worker Lost'), ('refusal', 'Refusal'), ('context_window_exceeded', 'Context Window Exceeded'), ('truncated', 'Truncated'), ('tool_error', 'Tool Error'), ('sdk_error', 'Sdk Error')], max_length=32)),
                ('failure_kind', models.CharField(blank=True, help_text='The failure kind; a row of agents.failure_policies.', max_length=32)),
                ('failure_detail', models.CharField(blank=True, max_length=500)),
                ('attempt', models.PositiveIntegerField(default=0, help_text='Number of counted claims.')),
                ('lost_count', models.PositiveIntegerField(default=0, help_text='Number of lost workers.')),
                ('retry_count', models.PositiveIntegerField(default=0, help_text='Retries that count towards max_retries.')),
                ('max_retries', models.PositiveIntegerField(default=2)),
                ('provider_retries', models.PositiveIntegerField(default=0, help_text='Retries since the provider last answered it; only their time is limited.')),
                ('retry_until', models.DateTimeField(help_text='It fails if the provider has not answered by then; set by the first failure.', null=True)),
                ('retry_kind', models.CharField(blank=True, max_length=32)),
                ('retry_detail', models.CharField(blank=True, help_text='Why it is retried.', max_length=500)),
                ('priority', models.SmallIntegerField(default=0)),
                ('queued_at', models.DateTimeField()),
                ('due_at', models.DateTimeField(help_text='Deferral for chat and the queue deadline count from here.')),
                ('claim_order', models.DateTimeField(help_text='Queueing time less the head start of its priority.')),
                ('not_before', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField(help_text='Cancelled if it is still queued then.', null=True)),
                ('token', models.UUIDField(null=True)),
                ('holder', models.CharField(blank=True, max_length=120)),
                ('slot', models.CharField(blank=True, help_text='Pool and number of the slot it holds.', max_length=70)),
                ('slot_claimed_at', models.DateTimeField(null=True)),
                ('lease_expires_at', models.DateTimeField(null=True)),
                ('started_at', models.DateTimeField(help_text='The first claim.', null=True)),
                ('waiting_since', models.DateTimeField(help_text="Since when it waits for a person.", null=True)),
                ('deadline_at', models.DateTimeField(help_text='When its working time is used up if it works on from now; empty while it waits.', null=True)),
                ('worked_ms', models.PositiveBigIntegerField(default=0, help_text='In model calls and tools, over all attempts; what its time limit counts.')),
                ('finished_at', models.DateTimeField(null=True)),
                ('cancel_requested_at', models.DateTimeField(null=True)),
                ('cancel_reason', models.CharField(blank=True, max_length=300)),
                ('max_turns', models.PositiveIntegerField(null=True)),
                ('max_run_duration_sec', models.PositiveIntegerField(null=True)),
                ('max_cost_usd', models.DecimalField(decimal_places=4, max_digits=10, null=True)),
                ('turn_count', models.PositiveIntegerField(default=0)),
                ('input_tokens', models.PositiveBigIntegerField(default=0)),
                ('output_tokens', models.PositiveBigIntegerField(default=0)),
                ('cost_usd', models.DecimalField(decimal_places=8, default=0, max_digits=14)),
                ('result', models.TextField(blank=True)),
                ('result_partial', models.BooleanField(default=False)),
                ('report', models.JSONField(null=True)),
                ('firing', models.OneToOneField(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='run', to='schedules.firing')),
                ('profile', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='agents.profile')),
                ('project', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to='agents.project')),
                ('requested_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('transcript', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='run', to='agents.transcript')),
                ('schedule', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='runs', to='schedules.schedule')),
            ],
            options={
                'ordering': ['-queued_at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('breaker', 'breaker open'), ('missed', 'instants missed'), ('no_scheduler', 'no scheduler'), ('self_pause', 'schedule paused itself'), ('next_firing', 'next firing corrected'), ('process', 'part of a process failed'), ('zone_data', 'time-zone data differs')], max_length=16)),
                ('cause', models.CharField(max_length=160)),
                ('text', models.CharField(max_length=600)),
                ('count', models.PositiveIntegerField(default=1)),
                ('first_at', models.DateTimeField()),
                ('last_at', models.DateTimeField()),
                ('acknowledged_at', models.DateTimeField(null=True)),
                ('closed_at', models.DateTimeField(null=True)),
                ('until_id', models.BigIntegerField(default=0, help_text='The newest firing that is counted.')),
                ('acknowledged_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='acknowledged_notices', to=settings.AUTH_USER_MODEL)),
                ('schedule', models.ForeignKey(help_text='The schedule to run.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='notices', to='schedules.schedule')),
            ],
            options={
                'ordering': ['-last_at', '-pk'],
            },
        ),
        migrations.AddField(
            model_name='firing',
            name='schedule',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='firings', to='schedules.schedule'),
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('result', 'Result'), ('self_pause', 'Self Pause'), ('warning', 'Warning'), ('notice', 'Notice')], max_length=12)),
                ('channel', models.CharField(choices=[('webhook', 'Webhook'), ('email', 'Email'), ('chat', 'Chat')], max_length=8)),
                ('target', models.CharField(max_length=300)),
                ('payload', models.JSONField(default=dict)),
                ('status', models.CharField(choices=[('pending', 'Pending'), ('delivered', 'Delivered'), ('failed', 'Failed'), ('not_sent', 'Not Sent')], default='pending', max_length=10)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('next_attempt_at', models.DateTimeField()),
                ('last_error', models.CharField(blank=True, max_length=300)),
                ('created_at', models.DateTimeField()),
                ('delivered_at', models.DateTimeField(null=True)),
                ('notice', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='schedules.notice')),
                ('run', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='schedules.run')),
                ('schedule', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='schedules.schedule')),
            ],
            options={
                'verbose_name_plural': 'deliveries',
                'ordering': ['-created_at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='Slot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('pool', models.SlugField(default='default')),
                ('number', models.PositiveIntegerField()),
                ('enabled', models.BooleanField(default=True, help_text='A disabled slot finishes its run and takes no further one.')),
                ('run', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='slots', to='schedules.run')),
            ],
            options={
                'ordering': ['pool', 'number'],
            },
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(condition=models.Q(('status', 'active')), fields=['next_fire_at'], name='schedule_due'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(models.F('deferred_until'), condition=models.Q(('deferred_until__isnull', False)), name='schedule_deferred'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(fields=['project', 'status'], name='schedule_by_project'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(fields=['name', 'id'], name='schedule_by_name'),
        ),
        migrations.AddConstraint(
            model_name='schedule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('cron', ''), _negated=True), ('at', None), ('every_sec', None)), models.Q(('at', None), ('cron', ''), ('every_sec__isnull', False)), models.Q(('cron', ''), ('every_sec', None), ('at__isnull', False)), _connector='OR'), name='schedule_says_when_in_one_way'),
        ),
        migrations.AddConstraint(
            model_name='schedule',
            constraint=models.CheckConstraint(condition=models.Q(('max_turns__isnull', True), ('max_turns__range', (1, 10000)), _connector='OR'), name='schedule_max_turns_in_range'),
        ),
        migrations.AddConstraint(
            model_name='schedule',
            constraint=models.CheckConstraint(condition=models.Q(('next_fire_at__isnull', True), ('next_fire_at__gte', models.F('next_nominal_at')), _connector='OR'), name='schedule_fires_at_or_after_its_instant'),
        ),
        migrations.AddConstraint(
            model_name='schedule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'active'), _negated=True), ('next_fire_at__isnull', False), _connector='OR'), name='schedule_active_has_a_next_instant'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(fields=['status', 'claim_order', 'id'], name='run_queue'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('forced', True)), fields=['status', 'claim_order', 'id'], name='run_forced_queue'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('status', 'running')), fields=['lease_expires_at'], name='run_leases'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(fields=['schedule', '-queued_at'], name='run_by_schedule'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(fields=['status', '-queued_at'], name='run_by_status'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(fields=['finished_at'], name='run_by_end'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'running'), _negated=True), models.Q(('lease_expires_at__isnull', False), ('slot_claimed_at__isnull', False), ('token__isnull', False), models.Q(('slot', ''), _negated=True)), _connector='OR'), name='run_running_has_slot_lease_and_token'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(('status', 'running'), models.Q(('lease_expires_at__isnull', True), ('slot', ''), ('token__isnull', True)), _connector='OR'), name='run_not_running_holds_nothing'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'waiting'), ('waiting_since__isnull', False)), models.Q(models.Q(('status', 'waiting'), _negated=True), ('waiting_since__isnull', True)), _connector='OR'), name='run_waiting_since_a_moment'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('finished_at__isnull', False), ('status__in', ('completed', 'failed', 'cancelled'))), models.Q(('finished_at__isnull', True), ('status__in', ('queued', 'running', 'waiting'))), _connector='OR'), name='run_finished_has_its_moment'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'failed'), models.Q(('failure_reason', ''), _negated=True)), models.Q(('status', 'failed'), _negated=True), _connector='OR'), name='run_failed_has_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.UniqueConstraint(condition=models.Q(('closed_at', None)), fields=('cause',), name='notice_open_once_per_cause'),
        ),
        migrations.AddIndex(
            model_name='firing',
            index=models.Index(fields=['nominal_at'], name='firing_by_instant'),
        ),
        migrations.AddIndex(
            model_name='firing',
            index=models.Index(condition=models.Q(('last_nominal_at__isnull', False)), fields=['last_nominal_at'], name='firing_by_last_instant'),
        ),
        migrations.AddIndex(
            model_name='firing',
            index=models.Index(fields=['outcome', 'nominal_at'], name='firing_by_outcome'),
        ),
        migrations.AddIndex(
            model_name='firing',
            index=models.Index(fields=['failure_reason', 'nominal_at'], name='firing_by_failure'),
        ),
        migrations.AddConstraint(
            model_name='firing',
            constraint=models.UniqueConstraint(fields=('schedule', 'nominal_at', 'kind'), name='firing_once_per_instant'),
        ),
        migrations.AddConstraint(
            model_name='firing',
            constraint=models.CheckConstraint(condition=models.Q(('count__gte', 1)), name='firing_explains_something'),
        ),
        migrations.AddConstraint(
            model_name='firing',
            constraint=models.CheckConstraint(condition=models.Q(('last_nominal_at', None), ('last_nominal_at__gte', models.F('nominal_at')), _connector='OR'), name='firing_ends_after_it_begins'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('status', 'pending')), fields=['next_attempt_at'], name='delivery_due'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('notice', None), ('schedule__isnull', False)), models.Q(('notice__isnull', False), ('schedule', None)), _connector='OR'), name='delivery_of_a_schedule_or_a_notice'),
        ),
        migrations.AddConstraint(
            model_name='slot',
            constraint=models.UniqueConstraint(fields=('pool', 'number'), name='slot_numbered_once'),
        ),
        migrations.AddConstraint(
            model_name='slot',
            constraint=models.UniqueConstraint(fields=('run', 'pool'), name='slot_one_per_run_and_pool'),
        ),
        migrations.RunPython(start_counters, migrations.RunPython.noop),
    ]
