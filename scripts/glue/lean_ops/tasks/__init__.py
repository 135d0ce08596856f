"""Many topics worked on in one Spark job: a topic is the work of one task."""
