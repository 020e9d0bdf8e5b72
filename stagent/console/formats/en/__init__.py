"""Date and number formats of the console."""
