from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class StagentConfig(AppConfig):
    name = "stagent"
    default = True


class ConsoleConfig(admin_apps.AdminConfig):
    default = False
    default_site = "stagent.console.ConsoleSite"
