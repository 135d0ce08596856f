"""cycle_delta: every message of a cycle, flattened once for all topics."""
