"""The agent loop: the only enforcer of limits. Imports every package below: runtimes, transcripts, approvals, tools, mcp."""
