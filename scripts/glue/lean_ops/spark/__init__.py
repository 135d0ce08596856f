"""Spark itself: the session, Arrow in tasks, Iceberg's Java classes, and access to files for executors."""
