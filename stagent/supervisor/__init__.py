"""Child processes of `manage.py up`: start, restart, one log, orderly shutdown."""
