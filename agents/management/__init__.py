"""Management commands of agents."""
