"""The command that starts a cluster worker."""
