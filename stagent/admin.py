"""The admin site: the operator's console."""

from django.contrib import admin


class ConsoleSite(admin.AdminSite):
    site_header = "Stagent"
    site_title = "Stagent"
    index_title = "Console"
