"""Who may start, and why not: blockers, the effective cap, live processes. Imports models."""
