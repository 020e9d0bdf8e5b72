"""Arrows of schedules: fire, move to the next instant, pause, resume. Imports what transitions imports."""
