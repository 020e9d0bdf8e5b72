"""Schedules as a file that people keep beside their code: read, compared with what is there, applied."""
