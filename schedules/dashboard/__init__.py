"""Reads the panels of the dashboard: one module each; nothing is stored."""
