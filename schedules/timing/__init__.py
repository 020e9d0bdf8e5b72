"""Cron, intervals, time zones, misfires and their phrases: pure functions. Imports states only."""
