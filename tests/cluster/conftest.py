"""What needs Procrastinate installed as an app is not even imported without it."""

from django.conf import settings

collect_ignore_glob = [] if "procrastinate.contrib.django" in settings.INSTALLED_APPS else ["test_*.py"]
