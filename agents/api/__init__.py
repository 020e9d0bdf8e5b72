"""What agents ask people, over HTTP."""
