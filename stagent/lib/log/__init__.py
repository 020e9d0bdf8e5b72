"""Log output, filters and the audit log."""
