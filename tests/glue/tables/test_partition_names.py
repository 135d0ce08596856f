"""Iceberg names Curated's partition as schema-validator expects (partition.ts of packages/common), and takes
no column of that name, neither in a new table nor in one that is there."""

import json
from pathlib import Path

import pytest

SCHEMAS = Path(__file__).parents[2] / "conformance" / "schemas"
REFUSED = {
    problem["path"].rsplit("/", 1)[-1]
    for case in json.loads((SCHEMAS / "cases.json").read_text(encoding="utf-8"))["cases"]
    for problem in case["problems"]
    if problem["code"] == "PARTITION_NAME" and problem["path"].count("/") == 2
}
"""Names of columns for which a schema is refused."""
PARTITIONED_BY = {
    "ts_day": "days(ts)",
    "event_time_day": "days(event_time)",
    "idempotency_key_bucket": "bucket(4, idempotency_key)",
}
COLUMNS = "ts timestamp_ntz, event_time timestamp_ntz, idempotency_key string"


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_column_that_is_called_like_the_partition_is_refused(job_session, name):
    job_session.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.partition_names")
    table, transform = f"glue_catalog.partition_names.{name}", PARTITIONED_BY[name]
    with pytest.raises(Exception, match=f"Cannot create partition from name that exists in schema: {name}"):
        job_session.sql(
            f"CREATE TABLE {table} ({COLUMNS}, {name} string) USING iceberg PARTITIONED BY ({transform})"
        )
    job_session.sql(f"CREATE TABLE {table} ({COLUMNS}) USING iceberg PARTITIONED BY ({transform})")
    partitions = job_session.table(f"{table}.partitions").schema["partition"].dataType
    assert partitions.fieldNames() == [name]
    with pytest.raises(Exception, match=f"Cannot create identity partition .* in schema: {name}"):
        job_session.sql(f"ALTER TABLE {table} ADD COLUMN {name} string")
