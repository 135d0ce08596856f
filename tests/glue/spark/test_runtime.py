"""The tests of the jobs run with what Glue brings: https://docs.aws.amazon.com/glue/latest/dg/release-notes.html
for Spark, Iceberg and Python, and the page of Python libraries that scripts/local/requirements.txt names."""

import sys
from importlib import metadata

import pytest

GLUE_5_1 = {
    "boto3": "1.40.61",
    "botocore": "1.40.61",
    "jmespath": "1.0.1",
    "numpy": "2.3.4",
    "pandas": "2.3.3",
    "pyarrow": "22.0.0",
    "python-dateutil": "2.9.0.post0",
    "pytz": "2025.2",
    "s3transfer": "0.14.0",
    "six": "1.17.0",
    "tzdata": "2025.2",
    "urllib3": "2.5.0",
}


def installed():
    return {name: metadata.version(name) for name in GLUE_5_1}


def test_the_packages_are_those_of_glue():
    assert installed() == GLUE_5_1
    assert metadata.version("pyspark") == "3.5.6"


def test_what_is_imported_is_what_is_installed():
    """A folder on the path can hide what is installed."""
    for name in ("boto3", "botocore", "numpy", "pandas", "pyarrow"):
        assert __import__(name).__version__ == GLUE_5_1[name]


def test_python_workers_have_the_packages_too(spark):
    names = [*GLUE_5_1]
    found = spark.sparkContext.parallelize([0], 1).map(
        lambda _: {name: metadata.version(name) for name in names}
    )
    assert found.collect() == [GLUE_5_1]


def test_spark_and_iceberg_are_those_of_glue(spark):
    assert spark.version == "3.5.6"
    assert spark._jvm.org.apache.iceberg.IcebergBuild.version() == "1.10.0"


@pytest.mark.skipif(sys.version_info[:2] == (3, 12), reason="Python 3.12 is allowed here; Glue has 3.11")
def test_python_is_that_of_glue():
    assert sys.version_info[:2] == (3, 11)
