"""What drives a provider: one module for each, found by name."""

from agents.runtimes.base import Runtime, UnknownRuntime, get, names, register

__all__ = ["Runtime", "UnknownRuntime", "get", "names", "register"]
