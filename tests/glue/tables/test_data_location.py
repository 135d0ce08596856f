"""Tasks put new files where Iceberg would, without Iceberg at hand."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from py4j.java_gateway import java_import

from lean_ops.errors import reason
from lean_ops.spark.file_io import FileStore
from lean_ops.tables.commits import CYCLE_ID
from lean_ops.tables.data_location import DataLocation, data_location
from lean_ops.tables.table_files import TableFiles
from lean_ops.tables.topic_table import LegacyPathError, TopicTable

TABLE = "s3://lake/warehouse/d/t"
ENABLED = {"write.object-storage.enabled": "true"}
LAYOUTS = {
    "plain": {},
    "one folder": {"write.data.path": f"{TABLE}/elsewhere"},
    "hashed": ENABLED,
    "hashed, as Athena makes it": {**ENABLED, "write.data.path": f"{TABLE}/data"},
    "hashed, outside of the table": {**ENABLED, "write.data.path": "s3://lake/shared"},
    "hashed, in the name": {**ENABLED, "write.object-storage.partitioned-paths": "false"},
}


def provider_of(spark, properties):
    java_import(spark._jvm, "org.apache.iceberg.LocationProviders")
    made = spark._jvm.java.util.HashMap()
    for name, value in properties.items():
        made.put(name, value)
    return spark._jvm.LocationProviders.locationsFor(TABLE, made)


@pytest.mark.parametrize("properties", LAYOUTS.values(), ids=LAYOUTS)
def test_a_task_names_the_location_that_iceberg_names(spark, properties):
    provider = provider_of(spark, properties)
    location = data_location(provider)

    @given(st.one_of(st.uuids().map(lambda one: f"{one}.parquet"), st.text("ab/é=_0", min_size=1)))
    def same(name):
        assert location.of(name) == provider.newDataLocation(name)

    same()


def test_where_the_layout_is_another_all_files_go_beside_one_of_iceberg():
    class Another:
        def newDataLocation(self, name):
            return f"s3://lake/{len(name)}/{sum(map(ord, name)):08x}/{name}"

    location = data_location(Another())
    assert location == DataLocation(location.of(""))
    assert location.of("a.parquet").startswith("s3://lake/12/")


def make(lake, properties, by="PARTITIONED BY (bucket(8, idempotency_key))"):
    name = lake.name("curated.placed")
    pairs = ", ".join(f"'{key}'='{value}'" for key, value in properties.items())
    lake.spark.sql(f"CREATE TABLE {name} (idempotency_key string) USING iceberg {by} TBLPROPERTIES ({pairs})")
    return TopicTable(lake.spark, name)


def test_the_files_of_one_commit_are_spread_over_folders_and_spark_reads_them(lake):
    table = make(lake, ENABLED)
    keys = [f"k{n}" for n in range(100)]
    files = TableFiles(
        FileStore(), location=table.location, columns=table.columns, partitioning=table.partitioning()
    )
    new = list(files.write(files.whole(pa.table({"idempotency_key": keys}))))
    table.commit(new, [], {CYCLE_ID: "c1"})
    folders = {one.file.path.rpartition("/")[0] for one in new}
    assert len(folders) == len(new) == 8
    name = lake.name("curated.placed")
    assert sorted(row[0] for row in lake.spark.table(name).collect()) == sorted(keys)


def test_a_cycle_spreads_the_files_of_the_pipelines_own_tables(lake):
    from lake import Event

    for n in range(3):
        lake.standardize(Event(message_id=f"m{n}", topic="t0"))
    for table in ("ops.cycle_delta", "standardized.t0"):
        paths = [
            row[0] for row in lake.spark.sql(f"SELECT file_path FROM {lake.name(table)}.files").collect()
        ]
        assert len(paths) > 1
        assert len({path.rpartition("/")[0] for path in paths}) == len(paths)


def test_a_table_with_the_deprecated_path_says_what_to_do(lake):
    table = make(lake, {**ENABLED, "write.object-storage.path": f"{TABLE}/data"}, by="")
    with pytest.raises(LegacyPathError) as refused:
        _ = table.location
    said = reason(refused.value)
    assert f"ALTER TABLE {lake.prefix}_curated.placed SET TBLPROPERTIES ('write.data.path' = " in said
    lake.spark.sql(
        f"ALTER TABLE {lake.name('curated.placed')} SET TBLPROPERTIES ('write.data.path'='{TABLE}/data')"
    )
    assert TopicTable(lake.spark, lake.name("curated.placed")).location.hashed
