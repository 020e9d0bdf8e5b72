"""Helpers of pages: formatting, Markdown, charts, admin base classes."""
