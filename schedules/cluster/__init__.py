"""Runs performed on other hosts by workers of Procrastinate; installed where STAGENT_EXECUTOR chooses it."""
