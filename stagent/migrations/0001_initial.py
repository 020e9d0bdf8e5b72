import django.db.models.deletion
import stagent.lib.names
from django.conf import settings
from django.db import migrations, models
from stagent import default_groups


def add_groups(apps, schema_editor):
    """Add the groups an install starts with; their permissions come right after the migrations."""
    groups = apps.get_model("auth", "Group").objects
    made = [groups.get_or_create(name=name)[0] for name in default_groups.GROUPS]
    permissions = apps.get_model("auth", "Permission").objects.select_related("content_type")
    default_groups.grant(made, permissions)


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ApiToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='What it is for, for example: backup script.', max_length=80, validators=[stagent.lib.names.validate_name])),
                ('digest', models.CharField(editable=False, max_length=64, unique=True)),
                ('created_at', models.DateTimeField(editable=False)),
                ('last_used_at', models.DateTimeField(editable=False, help_text='To the minute.', null=True)),
                ('expires_at', models.DateTimeField(blank=True, help_text='Empty: it lasts until it is revoked.', null=True)),
                ('revoked_at', models.DateTimeField(editable=False, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='api_tokens', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'API token',
                'ordering': ['-created_at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='IdempotencyKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=200)),
                ('request_digest', models.CharField(max_length=64)),
                ('status', models.PositiveSmallIntegerField(default=0)),
                ('content', models.TextField(default='')),
                ('location', models.TextField(default='')),
                ('created_at', models.DateTimeField(db_index=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('user', 'key'), name='an_idempotency_key_is_used_once_by_a_user')],
            },
        ),
        migrations.RunPython(add_groups, migrations.RunPython.noop),
    ]
