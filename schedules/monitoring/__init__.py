"""Notices, detectors, the event log, counters that outlive pruning. Imports models, capacity, deliveries."""
