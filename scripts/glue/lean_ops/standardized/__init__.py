"""The Standardized layer: each topic's new messages to its all-STRING table, which grows columns by
itself."""
