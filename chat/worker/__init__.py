"""The reply worker: claims messages, runs the engine, finalises. Imports conversations, transitions and below."""
