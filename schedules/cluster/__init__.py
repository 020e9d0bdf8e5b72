"""Executes runs on other hosts with Procrastinate workers; installed if STAGENT_EXECUTOR selects it."""
