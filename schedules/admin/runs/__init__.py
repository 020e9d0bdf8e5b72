"""The admin of runs: list, transcript, failure help."""
