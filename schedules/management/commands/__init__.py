"""Management commands of schedules."""
