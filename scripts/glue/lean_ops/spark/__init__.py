"""Spark itself: the session, Arrow in tasks, Iceberg's Java classes, the file system that executors use."""
