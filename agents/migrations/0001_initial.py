import agents.models.mcp_rules
import django.core.validators
import django.db.models.deletion
import stagent.lib.names
from django.conf import settings
from django.db import migrations, models
from agents.profiles import install_defaults


def add_profiles(apps, schema_editor):
    """Add the profiles that ship with the product."""
    install_defaults(apps.get_model("agents", "Profile"))


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='LiveStream',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(help_text='The stream, for example message:42.', max_length=80, unique=True)),
                ('holder', models.CharField(max_length=120)),
                ('token', models.UUIDField()),
                ('ttl_sec', models.PositiveIntegerField(help_text='Duration of the lease.')),
                ('started_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name='ModelPrice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('prefix', models.CharField(max_length=120, unique=True)),
                ('input_usd', models.DecimalField(decimal_places=4, default=0, max_digits=10)),
                ('output_usd', models.DecimalField(decimal_places=4, default=0, max_digits=10)),
                ('cache_read_usd', models.DecimalField(decimal_places=4, default=0, max_digits=10)),
                ('cache_write_usd', models.DecimalField(decimal_places=4, default=0, max_digits=10)),
            ],
            options={
                'ordering': ['prefix'],
            },
        ),
        migrations.CreateModel(
            name='Profile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(unique=True)),
                ('name', models.CharField(max_length=80, validators=[stagent.lib.names.validate_name])),
                ('description', models.CharField(blank=True, max_length=300)),
                ('instructions', models.TextField(blank=True, help_text='The system prompt.')),
                ('runtime', models.CharField(default='anthropic', help_text="How the provider is called.", max_length=40)),
                ('model', models.CharField(blank=True, help_text="Empty: the install's default model.", max_length=120)),
                ('tools', models.JSONField(blank=True, default=list, help_text='Names of tools; ["*"] offers all safe tools.')),
                ('permissions', models.JSONField(blank=True, default=dict, help_text='{"tool": "allow", "ask" or "deny"}; ask: each call needs approval.')),
                ('effort', models.CharField(blank=True, choices=[('low', 'low'), ('medium', 'medium'), ('high', 'high'), ('xhigh', 'extra high'), ('max', 'max')], help_text="How much the model thinks; empty: the model's default.", max_length=8)),
                ('max_turns', models.PositiveIntegerField(blank=True, help_text='Empty: the global default.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(10000)], verbose_name='max agent steps per run')),
                ('max_output_tokens', models.PositiveIntegerField(default=8192, help_text='Maximum tokens of one reply.', validators=[django.core.validators.MinValueValidator(1)])),
                ('max_cost_usd', models.DecimalField(blank=True, decimal_places=4, max_digits=10, null=True, validators=[django.core.validators.MinValueValidator(0)], verbose_name='max cost per run, USD')),
                ('builtin', models.BooleanField(default=False, editable=False)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Project',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(unique=True)),
                ('name', models.CharField(max_length=120, unique=True, validators=[stagent.lib.names.validate_name])),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Provider',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='Runtime and address, for example anthropic.', max_length=200, unique=True)),
                ('open_until', models.DateTimeField(blank=True, help_text='The breaker is open until then; then one probe is allowed.', null=True)),
                ('probe_until', models.DateTimeField(blank=True, help_text='Deadline of the probe.', null=True)),
                ('opened_at', models.DateTimeField(blank=True, null=True)),
                ('open_reason', models.CharField(blank=True, max_length=40)),
                ('open_detail', models.CharField(blank=True, max_length=500)),
                ('trips', models.PositiveIntegerField(default=0, help_text='Failed probes in a row; each doubles the wait.')),
                ('failures', models.PositiveIntegerField(default=0, help_text='Temporary failures in a row; the third opens the breaker.')),
                ('blocked_until', models.DateTimeField(blank=True, help_text='A 429 or 529 asked to wait until then.', null=True)),
            ],
        ),
        migrations.CreateModel(
            name='StreamRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(db_index=True, help_text='The stream, for example message:42.', max_length=80)),
                ('started_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(db_index=True)),
                ('reason', models.CharField(help_text='Why it ended: completed, client_stop, timeout…', max_length=32)),
                ('first_token_ms', models.PositiveIntegerField(help_text='From sending to the first text, without waits for approval.', null=True)),
                ('overhead_ms', models.PositiveIntegerField(help_text='The part before the first model call.', null=True)),
                ('total_ms', models.PositiveIntegerField()),
            ],
            options={
                'verbose_name': 'chat stream',
                'ordering': ['-ended_at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='Transcript',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('last_seq', models.PositiveIntegerField(default=0)),
                ('writer_token', models.UUIDField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name='Budget',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(choices=[('install', 'Install'), ('project', 'Project'), ('schedule', 'Schedule')], default='install', max_length=12)),
                ('subject_id', models.BigIntegerField(blank=True, help_text='Id of the project or schedule.', null=True)),
                ('window', models.CharField(choices=[('day', 'Day'), ('month', 'Month')], default='day', max_length=8)),
                ('max_turns', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(2147483647)])),
                ('max_cost_usd', models.DecimalField(blank=True, decimal_places=4, max_digits=12, null=True, validators=[django.core.validators.MinValueValidator(0)])),
            ],
            options={
                'ordering': ['scope', 'subject_id', 'window'],
                'constraints': [models.UniqueConstraint(fields=('scope', 'subject_id', 'window'), name='budget_once_per_subject'), models.UniqueConstraint(condition=models.Q(('scope', 'install')), fields=('window',), name='budget_once_per_install'), models.CheckConstraint(condition=models.Q(models.Q(('scope', 'install'), ('subject_id__isnull', True)), models.Q(models.Q(('scope', 'install'), _negated=True), ('subject_id__isnull', False)), _connector='OR'), name='budget_subject_fits_scope'), models.CheckConstraint(condition=models.Q(('max_turns__isnull', False), ('max_cost_usd__isnull', False), _connector='OR'), name='budget_limits_something')],
            },
        ),
        migrations.CreateModel(
            name='LedgerEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_index=True)),
                ('activity', models.CharField(choices=[('run_turn', 'Run Turn'), ('chat_turn', 'Chat Turn'), ('manual_force_bypass', 'Manual Force Bypass')], max_length=24)),
                ('provider', models.CharField(blank=True, max_length=200)),
                ('model', models.CharField(blank=True, max_length=120)),
                ('input_tokens', models.PositiveBigIntegerField(default=0)),
                ('output_tokens', models.PositiveBigIntegerField(default=0)),
                ('cache_read_tokens', models.PositiveBigIntegerField(default=0)),
                ('cache_write_tokens', models.PositiveBigIntegerField(default=0)),
                ('cost_usd', models.DecimalField(decimal_places=8, default=0, help_text='Empty: the price was unknown.', max_digits=14, null=True)),
                ('price', models.JSONField(editable=False, help_text='The price in USD per million tokens, and its source.', null=True)),
                ('estimated', models.BooleanField(default=False, help_text='The provider sent no final usage; estimated from the stream.')),
                ('project_id', models.BigIntegerField(blank=True, null=True)),
                ('schedule_id', models.BigIntegerField(blank=True, null=True)),
                ('run_id', models.BigIntegerField(blank=True, db_index=True, null=True)),
                ('message_id', models.BigIntegerField(blank=True, db_index=True, null=True)),
                ('user_id', models.BigIntegerField(blank=True, null=True)),
                ('detail', models.JSONField(blank=True, default=dict)),
                ('charge_key', models.UUIDField(editable=False, help_text='Identifies a reply: a second charge with the same key is ignored.', null=True, unique=True)),
            ],
            options={
                'verbose_name_plural': 'ledger',
                'ordering': ['-at', '-pk'],
                'indexes': [models.Index(models.F('schedule_id'), models.F('at'), name='ledger_by_schedule'), models.Index(models.F('project_id'), models.F('at'), name='ledger_by_project')],
            },
        ),
        migrations.CreateModel(
            name='McpServer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.CharField(help_text="Prefix of its tools' names; it cannot be changed: github gives github__search.", max_length=24, unique=True, validators=[django.core.validators.RegexValidator('\\A[a-z0-9]+(?:-[a-z0-9]+)*\\Z', 'Use lower-case letters and digits, separated by single dashes.')])),
                ('name', models.CharField(max_length=80, unique=True, validators=[stagent.lib.names.validate_name])),
                ('enabled', models.BooleanField(default=True, help_text='Off: its tools are not offered.')),
                ('transport', models.CharField(choices=[('stdio', 'a command on this machine (stdio)'), ('http', 'an address (streamable HTTP)')], default='stdio', max_length=8)),
                ('command', models.CharField(blank=True, help_text='The program, found on the PATH of the scheduler and the web.', max_length=500)),
                ('arguments', models.JSONField(blank=True, default=list, help_text='One per line.', validators=[agents.models.mcp_rules.check_arguments])),
                ('env', models.JSONField(blank=True, default=dict, help_text="NAME=value, one per line; ${VARIABLE} is read from Stagent's environment.", validators=[agents.models.mcp_rules.check_env], verbose_name='environment')),
                ('url', models.CharField(blank=True, help_text='https://host/mcp', max_length=500, validators=[agents.models.mcp_rules.check_url], verbose_name='address')),
                ('headers', models.JSONField(blank=True, default=dict, help_text='Authorization: Bearer ${GITHUB_TOKEN}, one per line.', validators=[agents.models.mcp_rules.check_headers])),
                ('permission', models.CharField(choices=[('ask', 'ask for approval'), ('allow', 'allow')], default='ask', help_text='For tools that a profile gives no permission.', max_length=8)),
                ('connect_timeout_sec', models.PositiveSmallIntegerField(default=30, help_text='To start, initialise and list its tools.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(600)])),
                ('call_timeout_sec', models.PositiveSmallIntegerField(default=60, help_text='For one call.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(600)])),
                ('announced', models.CharField(blank=True, help_text='The name that the server reports.', max_length=200)),
                ('seen_at', models.DateTimeField(blank=True, help_text='When it last listed its tools.', null=True)),
                ('error', models.TextField(blank=True, help_text='The latest error.')),
                ('error_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'verbose_name': 'MCP server',
                'ordering': ['name'],
                'permissions': [('set_up_mcpserver', 'Can set up MCP servers: their commands run on this machine')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('command', ''), ('transport', 'stdio'), _negated=True), models.Q(('transport', 'http'), ('url', ''), _negated=True)), name='mcp_server_can_be_reached', violation_error_message='Enter a command or an address.')],
            },
        ),
        migrations.CreateModel(
            name='McpTool',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='Its name at the server.', max_length=200)),
                ('offered_as', models.CharField(help_text='Its name for models and in profiles.', max_length=64, unique=True)),
                ('title', models.CharField(blank=True, max_length=200)),
                ('description', models.TextField(blank=True)),
                ('input_schema', models.JSONField(default=dict)),
                ('annotations', models.JSONField(default=dict, help_text="Hints from the server; not verified.")),
                ('digest', models.CharField(help_text='Hash of the definition.', max_length=64)),
                ('fault', models.CharField(blank=True, help_text='Why it cannot be offered.', max_length=300)),
                ('gone', models.BooleanField(default=False, help_text='No longer listed by its server.')),
                ('allowed_digest', models.CharField(blank=True, help_text='Empty: not allowed yet.', max_length=64)),
                ('allowed_as', models.JSONField(help_text='The allowed definition, to show later changes.', null=True)),
                ('allowed_at', models.DateTimeField(null=True)),
                ('allowed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='allowed_mcp_tools', to=settings.AUTH_USER_MODEL)),
                ('server', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tools', to='agents.mcpserver')),
            ],
            options={
                'verbose_name': 'MCP tool',
                'ordering': ['name'],
                'default_permissions': ('view',),
                'constraints': [models.UniqueConstraint(fields=('server', 'name'), name='mcp_tool_once_per_server')],
            },
        ),
        migrations.CreateModel(
            name='StandingApproval',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('place', models.CharField(help_text='conversation:12 or schedule:7.', max_length=40)),
                ('tool', models.CharField(max_length=64)),
                ('fingerprint', models.CharField(help_text="Hash of the tool's description and schema.", max_length=64)),
                ('user_id', models.BigIntegerField(help_text='The person whose agent it is.')),
                ('given_at', models.DateTimeField()),
                ('given_by', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='standing_approvals', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'standing approval',
                'verbose_name_plural': 'standing approvals',
                'ordering': ['-given_at', '-pk'],
                'constraints': [models.UniqueConstraint(fields=('place', 'tool', 'user_id'), name='standing_approval_once_per_scope')],
            },
        ),
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('seq', models.PositiveIntegerField()),
                ('kind', models.CharField(max_length=24)),
                ('data', models.JSONField(default=dict)),
                ('at', models.DateTimeField()),
                ('transcript', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='events', to='agents.transcript')),
            ],
            options={
                'ordering': ['transcript', 'seq'],
                'constraints': [models.UniqueConstraint(fields=('transcript', 'seq'), name='event_seq_unique_in_transcript'), models.CheckConstraint(condition=models.Q(('seq__gte', 1)), name='event_seq_from_one')],
            },
        ),
        migrations.CreateModel(
            name='Approval',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('call_id', models.CharField(max_length=200)),
                ('turn', models.PositiveIntegerField(help_text='The reply that asked for the call.')),
                ('tool', models.CharField(max_length=64)),
                ('arguments', models.JSONField(default=dict)),
                ('kind', models.CharField(choices=[('tool_call', 'Tool Call'), ('question', 'Question')], max_length=12)),
                ('text', models.CharField(help_text='The request, in one sentence.', max_length=2000)),
                ('card', models.JSONField(default=dict, help_text='The card shown: title, lines and warnings.')),
                ('status', models.CharField(choices=[('open', 'Open'), ('allowed', 'Allowed'), ('denied', 'Denied'), ('answered', 'Answered'), ('expired', 'Expired'), ('withdrawn', 'Withdrawn')], default='open', max_length=12)),
                ('asked_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('answered_at', models.DateTimeField(null=True)),
                ('answer', models.TextField(blank=True, help_text='The text of the answer.')),
                ('run_id', models.BigIntegerField(db_index=True, null=True)),
                ('message_id', models.BigIntegerField(db_index=True, null=True)),
                ('user_id', models.BigIntegerField(help_text='The person whose agent it is.', null=True)),
                ('place', models.CharField(blank=True, help_text='The scope of a standing approval; empty: each call needs approval.', max_length=40)),
                ('fingerprint', models.CharField(blank=True, help_text="Hash of the tool's description and schema.", max_length=64)),
                ('by_standing_approval', models.BooleanField(default=False, help_text='A standing approval allowed it.')),
                ('answered_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='answered_approvals', to=settings.AUTH_USER_MODEL)),
                ('transcript', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='approvals', to='agents.transcript')),
            ],
            options={
                'ordering': ['-asked_at', '-pk'],
                'verbose_name_plural': 'inbox',
                'permissions': [('answer_approval', "Can answer approval requests of all agents")],
                'indexes': [models.Index(condition=models.Q(('status', 'open')), fields=['expires_at'], name='approval_open'), models.Index(fields=['user_id', 'status'], name='approval_by_user')],
                'constraints': [models.UniqueConstraint(fields=('transcript', 'call_id'), name='approval_once_per_call'), models.CheckConstraint(condition=models.Q(models.Q(('answered_at__isnull', True), ('status', 'open')), models.Q(models.Q(('status', 'open'), _negated=True), ('answered_at__isnull', False)), _connector='OR'), name='approval_resolved_has_its_moment')],
            },
        ),
        migrations.RunPython(add_profiles, migrations.RunPython.noop),
    ]
