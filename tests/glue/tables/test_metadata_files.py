"""However often a table is committed to, few of its former metadata files stay: for each kind of table."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

import pytest

from lean_ops.tables.metadata_files import (
    KEPT_METADATA_FILES,
    MERGE_FROM,
    METADATA_PROPERTIES,
    OWN_METADATA_PROPERTIES,
    missing_properties,
)

if TYPE_CHECKING:
    from lake import Lake
    from pyspark.sql import SparkSession

COMMITS = 30
TOPIC = "telemetry.climate"
TABLE = "telemetry_climate"


@pytest.fixture(scope="module")
def full_lake(new_lake: "Callable[[], Lake]") -> "Lake":
    """A lake in which the jobs have committed to each kind of table, as a cycle does."""
    from lake import Event

    lake = new_lake()
    lake.activate(TOPIC, 1, {"temperature": {"type": "number", "maximum": 50}})
    lake.deliver(Event(), Event({"temperature": 99}, message_id="b"), Event("{broken", message_id="c"))
    lake.standardize()
    lake.curate()
    return lake


def metadata_files(spark: "SparkSession", table: str) -> list[Path]:
    location = spark.sql(f"DESCRIBE TABLE EXTENDED {table}").where("col_name = 'Location'").first()
    assert location is not None
    return list((Path(urlparse(location["data_type"]).path) / "metadata").glob("*.metadata.json"))


def properties(spark: "SparkSession", table: str) -> dict[str, str]:
    return {row["key"]: row["value"] for row in spark.sql(f"SHOW TBLPROPERTIES {table}").collect()}


@pytest.mark.parametrize(
    "table",
    [
        "raw.events",
        "ops.cycle_delta",
        "ops.parse_errors",
        "ops.drift_log",
        "ops.errors",
        "ops.ledger",
        f"standardized.{TABLE}",
        f"curated.{TABLE}",
    ],
)
def test_thirty_commits_leave_few_metadata_files(full_lake: "Lake", table: str) -> None:
    from lean_ops.tables.commits import CYCLE_ID
    from lean_ops.tables.topic_table import TopicTable

    spark, name = full_lake.spark, full_lake.name(table)
    assert METADATA_PROPERTIES.items() <= properties(spark, name).items()
    for number in range(COMMITS):
        TopicTable(spark, name).commit([], [], {CYCLE_ID: f"later-{number:02}"})
    assert len(metadata_files(spark, name)) == KEPT_METADATA_FILES + 1


def test_a_table_that_spark_alone_writes_keeps_few_too(
    new_lake: "Callable[[], Lake]", by_spark: None
) -> None:
    from lake import Event

    lake = new_lake()
    lake.activate(TOPIC, 1, {"temperature": {"type": "number"}})
    lake.standardize(Event())
    lake.curate()
    for layer in ("standardized", "curated"):
        found = properties(lake.spark, lake.name(f"{layer}.{TABLE}"))
        assert METADATA_PROPERTIES.items() <= found.items()


@pytest.mark.parametrize("table", ["ops.ledger", "ops.cycle_delta", f"standardized.{TABLE}"])
def test_a_table_of_the_librarys_own_has_packed_metadata_and_few_manifests(
    full_lake: "Lake", table: str
) -> None:
    spark, name = full_lake.spark, full_lake.name(table)
    assert {**OWN_METADATA_PROPERTIES, MERGE_FROM: "8"}.items() <= properties(spark, name).items()
    newest = max(metadata_files(spark, name), key=lambda file: file.stat().st_mtime_ns)
    assert newest.name.endswith(".gz.metadata.json")
    assert newest.read_bytes()[:2] == b"\x1f\x8b"


def test_raw_is_left_as_its_other_writers_write_it(new_lake: "Callable[[], Lake]") -> None:
    from lake import Event

    lake = new_lake()
    lake.standardize(Event())
    found = properties(lake.spark, lake.name("raw.events"))
    assert METADATA_PROPERTIES.items() <= found.items()
    assert not {"write.metadata.compression-codec", MERGE_FROM} & found.keys()


def test_the_ledger_is_read_by_few_manifests_however_many_cycles_wrote_it(
    new_lake: "Callable[[], Lake]",
) -> None:
    from lake import Event

    lake = new_lake()
    for number in range(10):
        lake.standardize(Event(message_id=f"m-{number}"))
    assert lake.spark.table(f"{lake.name('ops.ledger')}.manifests").count() < 8


def test_athenas_vacuum_keeps_as_many() -> None:
    conformance = Path(__file__).parents[2] / "conformance" / "ddl.json"
    kept = re.findall(
        r"'vacuum_max_metadata_files_to_keep' = '(\d+)'", str(json.loads(conformance.read_text()))
    )
    assert len(kept) > 5
    assert {int(number) for number in kept} == {KEPT_METADATA_FILES}


def test_a_value_that_somebody_has_set_stays() -> None:
    theirs: dict[str, str | None] = {"write.metadata.previous-versions-max": "500"}
    assert missing_properties(METADATA_PROPERTIES, theirs) == {
        "write.metadata.delete-after-commit.enabled": "true"
    }


def test_raw_that_is_committed_to_meanwhile_fails_no_cycle(
    new_lake: "Callable[[], Lake]", monkeypatch: pytest.MonkeyPatch
) -> None:
    from lake import Event
    from py4j.protocol import Py4JJavaError

    from lean_ops.tables.spark_tables import Tables

    lake = new_lake()
    original = Tables.keep_few_metadata_files

    def lost(tables: Tables, table: str) -> None:
        if not table.endswith("_raw.events"):
            original(tables, table)
            return
        jvm: Any = lake.spark._jvm
        nothing = lake.spark.sparkContext._gateway.new_array(jvm.java.lang.Object, 0)
        failure = jvm.org.apache.iceberg.exceptions.CommitFailedException(
            "another commit came first", nothing
        )
        raise Py4JJavaError("lost", failure)

    monkeypatch.setattr(Tables, "keep_few_metadata_files", lost)
    lake.standardize(Event())
    assert lake.spark.table(lake.name(f"standardized.{TABLE}")).count() == 1
    assert [entry for entry in lake.logged if entry["message"].startswith("RAW keeps its old metadata files")]
