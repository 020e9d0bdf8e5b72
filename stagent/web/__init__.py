"""The web process: ASGI handler, liveness, watchdog, shutdown."""
