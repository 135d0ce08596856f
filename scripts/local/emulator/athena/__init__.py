"""The Athena API: SQL translated to Spark's dialect, refused where Athena would refuse it."""
