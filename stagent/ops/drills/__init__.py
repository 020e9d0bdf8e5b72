"""Drills: bad days, played through with real processes on an install made for it."""
