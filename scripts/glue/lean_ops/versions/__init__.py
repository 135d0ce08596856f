"""Which of a record's versions wins: one total order, in Spark, in Python and in Arrow."""
