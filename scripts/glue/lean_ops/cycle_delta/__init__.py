"""cycle_delta: the table of every message of a cycle, flattened once for all topics."""
