"""The scheduler: tick, drain, reap, maintain, wait. Imports execution and below."""
