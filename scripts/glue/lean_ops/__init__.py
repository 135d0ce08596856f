"""The library of the Glue jobs: RAW to Standardized to Curated.

Only `tables` writes to tables, and only `spark.session` makes a Spark session; the rest are decisions
(plain Python) and transforms (DataFrame to DataFrame). The jobs' flows are `standardized.job` and
`curated.job`; what they need from AWS comes in through `ports`.
"""
