"""Tests: one file a module, real cases from `corpus/`, laws in `property/`."""
