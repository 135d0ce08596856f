"""Iceberg tables: what they hold, reading and writing their files, and the commits that change them."""
