"""The project: settings, URLs, and everything that puts the apps together."""
