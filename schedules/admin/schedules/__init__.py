"""The admin of schedules: list, form, actions, preview."""
