"""The agent loop: the only enforcer of limits. Imports every other package but api and admin."""
