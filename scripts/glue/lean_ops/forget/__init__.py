"""Erasure: what one person's records have left in the lake and in the archive is found, and removed for
good."""
