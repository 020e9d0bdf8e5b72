"""Benchmarks, compared within one run: `python -m benchmarks [name …] [--quick]`."""
