"""The routers, and what they have in common; each holds the paths of one noun."""
