"""The operator's console: Django's admin site, ours.

Registrations live in each app's `admin` module. They cannot live here: a module that is imported
while the site is being made registers with a site that is thrown away.
"""

from django.contrib import admin


class ConsoleSite(admin.AdminSite):
    site_header = "Stagent"
    site_title = "Stagent"
    index_title = "Console"
