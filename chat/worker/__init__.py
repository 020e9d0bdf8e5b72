"""The reply worker: claims messages, runs the engine, finalises. Imports transitions and below."""
