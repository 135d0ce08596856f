"""Maintenance: what keeps tables from growing with the number of commits to them."""
