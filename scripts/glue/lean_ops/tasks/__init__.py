"""Many topics worked on in one Spark job, where each topic is the work of one task."""
