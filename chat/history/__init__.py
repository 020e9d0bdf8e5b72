"""Reads the tree of messages and the event log of a reply; writes nothing. Imports feed and models."""
