"""What agents can do: one file per tool, a registry, and the one way to call them."""
