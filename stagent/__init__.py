"""The project: settings, URLs, and the code that connects the apps."""
