"""The event log of a run or reply: writers, batches, history. Imports protocol and models."""
