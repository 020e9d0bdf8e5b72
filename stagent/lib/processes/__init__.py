"""Threads, tasks and leases of a process: supervision, outages, shutdown, metrics."""
