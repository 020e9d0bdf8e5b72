"""The admin of firings: list, figures, CSV."""
