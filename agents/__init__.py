"""Runs an agent: profile and prompt in, events and a result out. Imports stagent.lib, no other app."""
