"""Faults on purpose: a plan of failures, and where they are injected."""
