"""The tool that runs commands in a sandbox."""
