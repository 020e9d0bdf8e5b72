from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class ConsoleConfig(AppConfig):
    """What the console's pages load; found by the finder of static files."""

    name = "stagent.console"
    label = "console"
    default = True


class ConsoleAdminConfig(admin_apps.AdminConfig):
    """`django.contrib.admin` with the console as its site."""

    default = False
    default_site = "stagent.console.site.ConsoleSite"
