"""The operator's console: the admin site, its pages and the files they load.

An app without models. It may import every app and `stagent.lib`; only `stagent.urls` and settings name it.
"""
