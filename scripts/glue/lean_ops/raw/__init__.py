"""RAW: which of its snapshots a cycle takes, and their files flattened into cycle_delta."""
