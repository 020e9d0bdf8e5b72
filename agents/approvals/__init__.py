"""Approvals of tool calls, questions to people, standing approvals. Imports protocol, models, spending."""
