"""What engine, runtimes, ledger and event log exchange: events, replies, usage, media. Imports states."""
