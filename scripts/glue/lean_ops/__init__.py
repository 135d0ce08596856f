"""The library of the Glue jobs: RAW to Standardized to Curated.

`tables` is the only module that writes to tables and `session` the only one that makes a Spark session; the
rest are decisions (plain Python) and transforms (DataFrame to DataFrame). The jobs' flows are
`standardized_job` and `curated_job`; what they need from AWS comes in through the ports of `ports`.
"""
