import chat.models.share
import django.db.models.deletion
import stagent.lib.names
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('agents', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Attachment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200)),
                ('kind', models.CharField(choices=[('image', 'Image'), ('text', 'Text'), ('pdf', 'Pdf')], max_length=8)),
                ('media_type', models.CharField(max_length=40)),
                ('size', models.PositiveIntegerField(help_text='In bytes.')),
                ('width', models.PositiveIntegerField(help_text='Of an image, in pixels.', null=True)),
                ('height', models.PositiveIntegerField(null=True)),
                ('tokens', models.PositiveIntegerField(help_text='Estimated input tokens.', null=True)),
                ('created_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(null=True)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attachments', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='Content',
            fields=[
                ('attachment', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, serialize=False, to='chat.attachment')),
                ('data', models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name='Conversation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(blank=True, help_text='Empty until the first message.', max_length=120, validators=[stagent.lib.names.validate_name])),
                ('titled_by_hand', models.BooleanField(default=False)),
                ('model', models.CharField(blank=True, help_text="Empty: the profile's.", max_length=120)),
                ('schedule_id', models.BigIntegerField(blank=True, help_text='The schedule whose results are delivered here.', null=True)),
                ('folder', models.CharField(blank=True, help_text='Exists while it has a conversation.', max_length=60, validators=[stagent.lib.names.validate_name])),
                ('pinned', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField()),
                ('active_at', models.DateTimeField(help_text='Time of the last message.')),
                ('answered_at', models.DateTimeField(blank=True, help_text='Time of the last reply.', null=True)),
                ('read_at', models.DateTimeField(blank=True, help_text='Time when the owner last read it.', null=True)),
                ('archived_at', models.DateTimeField(blank=True, null=True)),
                ('deleted_at', models.DateTimeField(blank=True, help_text='Can be restored for 30 days.', null=True)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='conversations', to=settings.AUTH_USER_MODEL)),
                ('profile', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='agents.profile')),
            ],
            options={
                'ordering': ['-active_at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='Feed',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token', models.UUIDField()),
                ('owner', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='feed', to=settings.AUTH_USER_MODEL)),
                ('transcript', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='feed', to='agents.transcript')),
            ],
        ),
        migrations.CreateModel(
            name='Message',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('user', 'User'), ('assistant', 'Assistant')], max_length=12)),
                ('status', models.CharField(choices=[('pending', 'Pending'), ('streaming', 'Streaming'), ('complete', 'Complete'), ('stopped', 'Stopped'), ('interrupted', 'Interrupted'), ('error', 'Error')], default='pending', max_length=12)),
                ('reason', models.CharField(blank=True, help_text='Why it ended, for programs.', max_length=32)),
                ('notice', models.CharField(blank=True, help_text='Why it ended, for users.', max_length=500)),
                ('text', models.TextField(blank=True)),
                ('files', models.TextField(blank=True, db_default='', default='', help_text='The names of its files, one per line.')),
                ('outline', models.JSONField(help_text='The parts of a finished reply in their order.', null=True)),
                ('client_msg_id', models.CharField(max_length=100, null=True)),
                ('model', models.CharField(blank=True, max_length=120)),
                ('created_at', models.DateTimeField()),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('token', models.UUIDField(null=True)),
                ('holder', models.CharField(blank=True, max_length=120)),
                ('lease_expires_at', models.DateTimeField(null=True)),
                ('stop_requested_at', models.DateTimeField(null=True)),
                ('asks_since', models.DateTimeField(help_text="Time since it waits for an approval.", null=True)),
                ('input_tokens', models.PositiveBigIntegerField(default=0)),
                ('output_tokens', models.PositiveBigIntegerField(default=0)),
                ('cost_usd', models.DecimalField(decimal_places=8, default=0, max_digits=14)),
                ('run_id', models.BigIntegerField(db_index=True, null=True)),
                ('schedule_id', models.BigIntegerField(null=True)),
                ('delivery_key', models.CharField(max_length=80, null=True, unique=True)),
                ('card', models.JSONField(default=dict, help_text='Data shown with the text, by `type`.')),
                ('author', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('conversation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='chat.conversation')),
                ('parent', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='children', to='chat.message')),
                ('profile', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to='agents.profile')),
                ('transcript', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='agents.transcript')),
            ],
            options={
                'ordering': ['conversation', 'pk'],
            },
        ),
        migrations.AddField(
            model_name='conversation',
            name='forked_from',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='chat.message'),
        ),
        migrations.AddField(
            model_name='conversation',
            name='head',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='chat.message'),
        ),
        migrations.CreateModel(
            name='MessageAttachment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField()),
                ('attachment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='enclosures', to='chat.attachment')),
                ('message', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='enclosures', to='chat.message')),
            ],
            options={
                'ordering': ['message', 'position'],
            },
        ),
        migrations.CreateModel(
            name='Share',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(blank=True, max_length=120)),
                ('nonce', models.CharField(default=chat.models.share.nonce, max_length=43)),
                ('shared_at', models.DateTimeField(help_text='The time of the shown state.')),
                ('expires_at', models.DateTimeField(help_text='Empty: until it is revoked.', null=True)),
                ('conversation', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='share', to='chat.conversation')),
                ('head', models.ForeignKey(help_text='The last message shown.', on_delete=django.db.models.deletion.CASCADE, related_name='+', to='chat.message')),
            ],
            options={
                'verbose_name': 'shared link',
                'verbose_name_plural': 'shared links',
            },
        ),
        migrations.AddIndex(
            model_name='attachment',
            index=models.Index(condition=models.Q(('sent_at', None)), fields=['created_at'], name='attachment_unsent'),
        ),
        migrations.AddConstraint(
            model_name='attachment',
            constraint=models.CheckConstraint(condition=models.Q(('size__gt', 0)), name='attachment_is_never_empty'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('status', 'streaming')), fields=['lease_expires_at'], name='message_leases'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('status', 'pending')), fields=['id'], name='message_pending'),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.UniqueConstraint(fields=('author', 'client_msg_id'), name='message_once_per_client_id'),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ('pending', 'streaming')), models.Q(('text', ''), _negated=True), models.Q(('notice', ''), _negated=True), models.Q(('files', ''), _negated=True), _connector='OR'), name='message_finished_is_never_blank'),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('finished_at__isnull', False), ('status__in', ('complete', 'stopped', 'interrupted', 'error'))), models.Q(('finished_at__isnull', True), ('status__in', ('pending', 'streaming'))), _connector='OR'), name='message_finished_has_its_moment'),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'streaming'), _negated=True), models.Q(('lease_expires_at__isnull', False), ('token__isnull', False)), _connector='OR'), name='message_streaming_has_a_lease'),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.CheckConstraint(condition=models.Q(('status', 'streaming'), ('token__isnull', True), _connector='OR'), name='message_not_streaming_has_no_token'),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.CheckConstraint(condition=models.Q(('role', 'assistant'), ('status', 'complete'), _connector='OR'), name='message_of_a_person_is_complete'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(fields=['owner', '-active_at'], name='conversation_by_owner'),
        ),
        migrations.AddConstraint(
            model_name='conversation',
            constraint=models.UniqueConstraint(condition=models.Q(('deleted_at', None), ('schedule_id__isnull', False)), fields=('owner', 'schedule_id'), name='conversation_once_per_schedule'),
        ),
        migrations.AddConstraint(
            model_name='messageattachment',
            constraint=models.UniqueConstraint(fields=('message', 'position'), name='enclosure_has_its_place'),
        ),
    ]
