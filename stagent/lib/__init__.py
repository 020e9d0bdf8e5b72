"""Shared helpers. They import no app and no model of Stagent."""
