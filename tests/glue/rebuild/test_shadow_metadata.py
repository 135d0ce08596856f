"""The metadata that a shadow begins with, as a decision over documents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lean_ops.rebuild.shadow_metadata import (
    PartitionColumnError,
    Place,
    WantedColumn,
    WantedPartition,
    current_fields,
    shadow_metadata,
)

PLACE = Place(location="s3://lake/ops/rebuild_x", data_path="s3://lake/curated/x/data")


def field(number, name, kind="string"):
    return {"id": number, "name": name, "required": False, "type": kind}


def live(fields, specs=None, default=0, last_id=None):
    return {
        "format-version": 2,
        "last-updated-ms": 1,
        "last-column-id": last_id or max(one["id"] for one in fields),
        "current-schema-id": 3,
        "schemas": [{"type": "struct", "schema-id": 3, "fields": fields}],
        "default-spec-id": default,
        "partition-specs": specs or [{"spec-id": 0, "fields": []}],
        "last-partition-id": 999 + sum(len(one["fields"]) for one in specs or ()),
        "properties": {"lean-ops.epoch": "4", "write.data.path": "elsewhere", "own": "kept"},
    }


def shadow(metadata, **more):
    return shadow_metadata(metadata, table_uuid="u", place=PLACE, properties={"p": "q"}, **more)


types = st.sampled_from(["string", "long", "double", "decimal(10, 2)", "timestamp", "boolean"])
columns = st.dictionaries(st.sampled_from("abcdefgh"), types, min_size=1)


@given(columns, columns, st.integers(0, 500))
def test_a_column_keeps_its_id_or_gets_one_that_the_table_never_had(before, after, gone):
    fields = [field(n, name, kind) for n, (name, kind) in enumerate(before.items(), start=1)]
    metadata = live(fields, last_id=len(fields) + gone)
    made = shadow(metadata, columns=[WantedColumn(name, kind) for name, kind in after.items()])
    found = {one["name"]: one for one in current_fields(made)}
    assert {name: one["type"] for name, one in found.items()} == after
    assert len({one["id"] for one in found.values()}) == len(after)
    ids = {one["name"]: one["id"] for one in fields}
    for name, kind in after.items():
        if before.get(name) == kind:
            assert found[name]["id"] == ids[name]
        else:
            assert found[name]["id"] > metadata["last-column-id"]
    assert made["last-column-id"] >= max(one["id"] for one in found.values())


def test_it_has_no_snapshot_and_leaves_the_live_tables_own_properties_behind():
    made = shadow(live([field(1, "a")]))
    assert (made["snapshots"], made["refs"], made["current-snapshot-id"]) == ([], {}, -1)
    assert made["properties"] == {"own": "kept", "write.data.path": PLACE.data_path, "p": "q"}
    assert made["location"] == PLACE.location


BUCKET = {"name": "k_bucket", "transform": "bucket[4]", "source-id": 1, "field-id": 1000}
DAY = {"name": "at_day", "transform": "day", "source-id": 2, "field-id": 1001}
FIELDS = [field(1, "k"), field(2, "at", "timestamp")]


@pytest.mark.parametrize(
    ("specs", "default", "wanted", "spec_id"),
    [
        ([{"spec-id": 0, "fields": [BUCKET]}], 0, None, 0),
        ([{"spec-id": 0, "fields": [BUCKET]}], 0, WantedPartition("k", "bucket[4]"), 0),
        ([{"spec-id": 0, "fields": [BUCKET]}], 0, WantedPartition("at", "day"), 1),
        (
            [{"spec-id": 0, "fields": [BUCKET]}, {"spec-id": 1, "fields": [DAY]}],
            0,
            WantedPartition("at", "day"),
            1,
        ),
        ([{"spec-id": 4, "fields": []}], 4, WantedPartition("k", "bucket[4]"), 5),
    ],
)
def test_a_spec_that_the_table_has_is_used_again_and_another_one_is_added(specs, default, wanted, spec_id):
    made = shadow(live(FIELDS, specs, default), partition=wanted)
    assert made["default-spec-id"] == spec_id
    by_id = {one["spec-id"]: one["fields"] for one in made["partition-specs"]}
    assert {one["spec-id"]: one["fields"] for one in specs}.items() <= by_id.items()
    if wanted is not None:
        [found] = by_id[spec_id]
        assert (found["transform"], found["name"]) == (wanted.transform, wanted.name)
    ids = [one["field-id"] for one in by_id[spec_id]]
    assert made["last-partition-id"] >= max(ids, default=0)


def test_a_column_that_partitions_the_table_cannot_go_or_change_its_type():
    metadata = live(FIELDS, [{"spec-id": 0, "fields": [DAY]}])
    for wanted in ([WantedColumn("k", "string")], [WantedColumn("at", "string")]):
        with pytest.raises(PartitionColumnError, match="PARTITION_COLUMN: the table is partitioned by at"):
            shadow(metadata, columns=wanted)
