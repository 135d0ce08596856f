"""The library of the Glue jobs, which take rows from RAW to Standardized and from there to Curated.

Only `tables` commits to tables, and only `spark.session` makes a Spark session. All other rooms hold
decisions in plain Python and transforms of DataFrames or Arrow tables. The flows of the jobs are in
`standardized.job`, `curated.job` and `catch_up.job`; `ports` has the interfaces to what they need from AWS.
Rooms import only rooms that come before them in tests/glue/architecture/test_architecture.py.
"""
