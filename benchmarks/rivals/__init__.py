"""Stagent and four other schedulers with the same no-op work, one after the other."""
