"""`/metrics` for Prometheus: read from the database when asked, so any process tells of the whole install."""
