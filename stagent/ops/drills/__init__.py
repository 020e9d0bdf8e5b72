"""Drills: incidents reproduced with real processes on a throwaway install."""
