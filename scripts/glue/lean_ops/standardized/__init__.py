"""The Standardized layer: each topic's new messages go to its table, whose columns are all STRING and which
gets new columns by itself."""
