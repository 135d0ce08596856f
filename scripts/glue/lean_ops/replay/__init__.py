"""Replay: messages that were refused are judged once more, and those that are valid now come into the
tables."""
