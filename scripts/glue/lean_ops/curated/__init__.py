"""The Curated layer: each topic's new versions, validated against its schema, to its typed table."""
