"""Notices, detectors, log lines, and counters that outlive retention. Imports models, capacity,
deliveries.
"""
