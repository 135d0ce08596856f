"""The Spark process: one warm session that runs Glue jobs and Athena statements."""
