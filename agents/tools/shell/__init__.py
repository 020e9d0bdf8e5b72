"""The tool that runs shell commands."""
