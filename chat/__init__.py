"""Conversations with an agent: nothing a user typed or was answered is lost. Imports agents and stagent.lib; never schedules."""
