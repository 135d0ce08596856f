"""The Curated table as a schema wants it: its columns and how it is partitioned, by Iceberg's names.

packages/common/src/core/warehouse/tables.ts and packages/common/src/core/schema/partition.ts say the same of
a table that is made. tests/glue/rebuild/test_plan.py holds the two equal.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lean_ops.columns import names
from lean_ops.rebuild.shadow_metadata import WantedColumn, WantedPartition
from lean_ops.validation.topic_schema import TopicSchema

_BUCKETS = 4
_TYPES = {"bigint": "long", "timestamp_ntz": "timestamp"}
"""Iceberg's names of types by Spark's, where they differ."""


def curated_columns(schema: TopicSchema, also: Sequence[WantedColumn] = ()) -> list[WantedColumn]:
    """The columns of the schema, those of the envelope, and the version. also: further columns that stay."""
    own = [
        WantedColumn(field.column, _TYPES.get(field.data_type, field.data_type)) for field in schema.fields
    ]
    envelope = [
        WantedColumn(name, "timestamp" if name in names.ENVELOPE_TIMES else "string")
        for name in names.ENVELOPE_COLUMNS
    ]
    known = {one.name for one in (*own, *envelope)} | {names.SCHEMA_VERSION}
    kept = [one for one in also if one.name not in known]
    return [*own, *kept, *envelope, WantedColumn(names.SCHEMA_VERSION, "int")]


def curated_partition(text: str, schema: TopicSchema) -> WantedPartition:
    """The field by which a new table of the schema is partitioned. text: that of the schema."""
    document: Mapping[str, Any] = json.loads(text)
    declared = document.get("x-event-time")
    if declared is not None:
        column = names.column_name(str(declared).split("."))
        if any(field.column == column for field in schema.fields):
            return WantedPartition(column, "day")
    if schema.event_time_stable:
        return WantedPartition("event_time", "day")
    return WantedPartition(names.KEY, f"bucket[{_BUCKETS}]")
