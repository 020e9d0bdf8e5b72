"""Draws a forecast as SVG: time across, schedules downwards. No queries, no side effects."""
