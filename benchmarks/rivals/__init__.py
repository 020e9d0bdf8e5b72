"""Stagent and four other schedulers at the same no-op work, one after the other."""
