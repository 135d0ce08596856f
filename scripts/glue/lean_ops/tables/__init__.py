"""Iceberg tables: their metadata, their data files, and the commits that change them."""
