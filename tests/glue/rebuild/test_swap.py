"""The swap on real tables: one commit, by which a reader sees the old table or the new one."""

import pytest
from lake import Event

from lean_ops.maintenance.shadows import remove_shadow
from lean_ops.rebuild.shadow_catalog import make_shadow
from lean_ops.rebuild.shadow_metadata import WantedColumn, WantedPartition, current_fields
from lean_ops.spark.iceberg_classes import iceberg_of, rebuild_classes_of
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.swap import Swap, swap_table
from lean_ops.tables.topic_table import TopicTable

TOPIC = "telemetry.climate"
CURATED = "curated.telemetry_climate"
SHADOW = "rebuild_curated_telemetry_climate"
ICEBERG_TYPES = {"temperature": "string", "at": "timestamp"}


def columns(tables, name, **changed):
    fields = current_fields(tables.metadata(name))
    kept = [WantedColumn(one["name"], changed.pop(one["name"], one["type"])) for one in fields]
    return [*kept, *(WantedColumn(column, kind) for column, kind in changed.items())]


def swap(lake, tables, name, **more):
    iceberg, classes = iceberg_of(lake.spark._jvm), rebuild_classes_of(lake.spark._jvm)
    loaded = iceberg.load(lake.spark, name)
    current = loaded.currentSnapshot()
    snapshot_id = None if current is None else str(current.snapshotId())
    wanted = Swap(
        snapshot_id=more.get("snapshot_id", snapshot_id),
        tag="lean-ops-undo-x",
        tag_age_ms=1000,
        properties={"lean-ops.cycle-id": "c1"},
    )
    shadow = iceberg.load(lake.spark, tables.name("ops", SHADOW))
    return swap_table(iceberg, classes, loaded, name, more.get("epoch", 0), shadow, wanted)


@pytest.fixture
def curated(lake):
    """A lake of which the topic has a row in two commits."""
    lake.activate(TOPIC, 1, {"temperature": {"type": "number"}})
    for n in (1, 2):
        lake.standardize(Event({"temperature": n}, message_id=f"m{n}"))
        assert lake.curate().complete
    return lake


def test_a_swap_changes_type_and_partition_in_one_commit_and_every_snapshot_can_be_read(curated):
    tables, name = Tables(curated.spark, curated.prefix), curated.name(CURATED)
    before = tables.metadata(name)
    make_shadow(
        tables,
        name,
        SHADOW,
        columns=columns(tables, name, temperature="string", humidity="double"),
        partition=WantedPartition("event_time", "day"),
        properties={"lean-ops.rebuild-operation": "x"},
    )
    shadow = TopicTable(curated.spark, tables.name("ops", SHADOW))
    rows = curated.spark.table(name).selectExpr(
        *(f"cast({one} as string) as {one}" if one == "temperature" else one for one in tables.columns(name))
    )
    shadow.append_rows(rows, {"lean-ops.cycle-id": "c1"})
    swap(curated, tables, name)
    curated.spark.sql(f"REFRESH TABLE {name}")
    assert [row["temperature"] for row in curated.rows(CURATED)] == ["1.0", "2.0"]
    after = tables.metadata(name)
    assert len(after["snapshots"]) == len(before["snapshots"]) + 1
    ids = {one["name"]: one["id"] for one in current_fields(before)}
    new = {one["name"]: one["id"] for one in current_fields(after)}
    assert new["temperature"] > before["last-column-id"]
    assert new["humidity"] > new["temperature"]
    assert all(new[one] == ids[one] for one in ids if one != "temperature")
    assert after["refs"]["lean-ops-undo-x"]["snapshot-id"] == before["current-snapshot-id"]
    assert after["last-column-id"] >= new["humidity"]
    reader = curated.spark.read.format("iceberg").option("snapshot-id", before["current-snapshot-id"])
    assert sorted(row["temperature"] for row in reader.load(name).collect()) == [1.0, 2.0]
    assert after["default-spec-id"] != before["default-spec-id"]
    by_pyiceberg(after, after["current-snapshot-id"], ["1.0", "2.0"])
    by_pyiceberg(after, before["current-snapshot-id"], [1.0, 2.0])
    files = curated.data_files(CURATED)
    remove_shadow(tables, SHADOW, name)
    assert SHADOW not in tables.listed("ops")
    assert curated.data_files(CURATED) == files
    assert len(curated.rows(CURATED)) == 2


def by_pyiceberg(metadata, snapshot_id, temperatures):
    """A second engine reads the table, by the file that the catalog would name."""
    table = pytest.importorskip("pyiceberg.table")
    location = f"{metadata['location']}/metadata"
    newest = sorted(
        __import__("pathlib").Path(location.removeprefix("file:")).glob("v*.metadata.json"),
        key=lambda one: int(one.name[1:].partition(".")[0]),
    )[-1]
    found = table.StaticTable.from_metadata(str(newest)).scan(snapshot_id=snapshot_id).to_arrow()
    assert sorted(found["temperature"].to_pylist()) == temperatures
