from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("schedules", "0003_runs_wait_for_people")]

    operations = [
        migrations.AddField(
            "schedule",
            "deliver_to_chat",
            models.BooleanField(
                default=True,
                help_text="Results arrive as unread messages on the chat page of the schedule's owner.",
                verbose_name="deliver to chat",
            ),
        ),
        migrations.AlterField(
            "delivery",
            "channel",
            models.CharField(
                choices=[("webhook", "Webhook"), ("email", "Email"), ("chat", "Chat")], max_length=8
            ),
        ),
    ]
