"""`/metrics` for Prometheus, read from the database: any process reports the whole install."""
