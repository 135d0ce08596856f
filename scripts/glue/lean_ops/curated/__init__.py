"""The Curated layer: each topic's new versions are validated by its schema and go to its typed table."""
