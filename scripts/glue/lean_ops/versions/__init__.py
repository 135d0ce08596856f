"""Decides which of a record's versions wins: by one total order, in Spark, in Python and in Arrow."""
