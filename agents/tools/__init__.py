"""Tools of agents: one file per tool, a registry, and the function that calls them."""
