"""The job's own session takes over the settings of the one that Glue or the local stack has configured."""

from lean_ops.spark.session import open_session


def test_a_catalog_that_is_set_on_the_session_only_reaches_the_jobs_session(spark):
    # Spark calls the settings of a catalog not modifiable; left out, the job would find no glue_catalog.
    key = "spark.sql.catalog.elsewhere.io-impl"
    spark.conf.set(key, "org.apache.iceberg.aws.s3.S3FileIO")
    try:
        assert open_session("test").conf.get(key) == "org.apache.iceberg.aws.s3.S3FileIO"
    finally:
        spark.conf.unset(key)


def test_what_the_job_sets_stays_its_own(spark):
    session = open_session("test")
    session.conf.set("spark.sql.shuffle.partitions", "7")
    assert spark.conf.get("spark.sql.shuffle.partitions") != "7"
