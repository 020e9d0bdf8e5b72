"""How moments are written on every page: by year first, on a clock of 24 hours."""
