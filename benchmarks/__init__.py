"""Benchmarks: run from the repository, never part of the installed package."""
