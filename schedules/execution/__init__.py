"""Runs as tasks beside the loop: leases, outcomes, time limits. Imports transitions and below."""
