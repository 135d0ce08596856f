"""RAW: which of its snapshots a cycle takes, and how their files are flattened into cycle_delta."""
