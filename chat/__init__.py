"""Conversations with an agent: no message is lost. Imports agents and stagent.lib, never schedules."""
