"""A whole account in memory around real Iceberg tables: what table-provisioner, schema-validator and Firehose
would do."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import SparkSession

from lean_ops import curated_job, names, standardized_job
from lean_ops.arguments import JobArguments
from lean_ops.flatten_batches import KEPT_COLUMNS
from lean_ops.outcome import Outcome
from lean_ops.ports import Job, Provisioned
from lean_ops.schemas import read_schema

EPOCH = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
_ENVELOPE = ", ".join(f"{name} string" for name in names.ENVELOPE_COLUMNS)
_ENVELOPE_TYPED = (
    "message_id string, idempotency_key string, event_time timestamp_ntz, produced_at timestamp_ntz, "
    "received_at timestamp_ntz, ingested_at timestamp_ntz, cycle_id string"
)
_DDL = {
    "raw.events": "topic_name string, message_id string, idempotency_key string, event_time timestamp_ntz, "
    "produced_at timestamp_ntz, received_at timestamp_ntz, ingested_at timestamp_ntz, payload string, "
    "source_message_id string, payload_sha256 string, trace_id string, envelope_issues string",
    "ops.cycle_delta": "topic_name string, message_id string, idempotency_key string, "
    "event_time timestamp_ntz, "
    "produced_at timestamp_ntz, received_at timestamp_ntz, ingested_at timestamp_ntz, payload_sha256 string, "
    "columns map<string,string>, rescued_data string, cycle_id string",
    "ops.drift_log": "drift_id string, topic_name string, layer string, change_type string, "
    "column_name string, "
    "old_value string, new_value string, source string, schema_version int, cycle_id string, "
    "detected_at timestamp_ntz",
    "ops.errors": "error_id string, topic_name string, message_id string, idempotency_key string, "
    "disposition string, "
    "violations string, record string, schema_version int, cycle_id string, detected_at timestamp_ntz, "
    "resolved_at timestamp_ntz, resolution string",
    "ops.parse_errors": "error_id string, topic_name string, message_id string, error_code string, "
    "error_message string, payload string, received_at timestamp_ntz, cycle_id string, "
    "detected_at timestamp_ntz, "
    "resolved_at timestamp_ntz",
    "ops.ledger": "topic_name string, layer string, cycle_id string, records_in bigint, duplicates bigint, "
    "superseded bigint, written bigint, parse_errors bigint, rejected bigint, nulled bigint, rescued bigint, "
    "new_columns bigint, started_at timestamp_ntz, finished_at timestamp_ntz, status string, error string",
}
_PARTITIONS = {
    "raw.events": "PARTITIONED BY (days(ingested_at))",
    "ops.cycle_delta": "PARTITIONED BY (cycle_id)",
}


@dataclass(frozen=True)
class Event:
    """A RAW row. produced, ingested, event: seconds after EPOCH. payload: a text as it is, else its JSON."""

    payload: Any = field(default_factory=lambda: {"temperature": 21.5})
    topic: str | None = "telemetry.climate"
    message_id: str = "0199-a"
    key: str | None = None
    produced: int = 0
    ingested: int = 100
    event: int | None = 0

    @property
    def text(self) -> str:
        return self.payload if isinstance(self.payload, str) else json.dumps(self.payload)

    def row(self) -> tuple[Any, ...]:
        produced, ingested = _at(self.produced), _at(self.ingested)
        digest = hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()
        return (
            self.topic,
            self.message_id,
            self.key if self.key is not None else self.message_id,
            None if self.event is None else _at(self.event),
            produced,
            ingested,
            ingested,
            self.text,
            self.message_id,
            digest,
            "trace",
            None,
        )


def _at(seconds: int) -> datetime:
    return (EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None)


class MemoryCheckpoints:
    def __init__(self) -> None:
        self.held: dict[tuple[str, str], dict[str, Any]] = {}

    def get(self, topic: str, layer: str) -> dict[str, Any] | None:
        return self.held.get((topic, layer))

    def put(self, topic: str, layer: str, item: Mapping[str, Any]) -> None:
        known = self.held.get((topic, layer))
        if known is None or known["cycle_id"] <= item["cycle_id"]:
            self.held[(topic, layer)] = {name: value for name, value in item.items() if value is not None}


@dataclass
class Lake:
    """Registry, schemas and provisioner in one: they share what they know."""

    spark: SparkSession
    prefix: str
    checkpoints: MemoryCheckpoints = field(default_factory=MemoryCheckpoints)
    registered: dict[str, dict[str, Any]] = field(default_factory=dict)
    active_schemas: dict[str, str] = field(default_factory=dict)
    provisioning_failures: dict[str, str] = field(default_factory=dict)
    logged: list[dict[str, Any]] = field(default_factory=list)
    max_columns: int = 500
    cycles: int = 0

    def __post_init__(self) -> None:
        for layer in ("raw", "standardized", "curated", "ops"):
            self.spark.sql(f"CREATE NAMESPACE glue_catalog.{self.prefix}_{layer}")
        for table, columns in _DDL.items():
            partitions = _PARTITIONS.get(table, "")
            self.spark.sql(f"CREATE TABLE {self.name(table)} ({columns}) USING iceberg {partitions}")

    def name(self, table: str) -> str:
        return f"glue_catalog.{self.prefix}_{table}"

    # --- the ports ---

    def items(self) -> Iterable[dict[str, Any]]:
        return list(self.registered.values())

    def active(self, topic: str) -> str | None:
        return self.active_schemas.get(topic)

    def ensure(self, topics: Sequence[str]) -> list[Provisioned]:
        return [self._ensure(topic) for topic in topics]

    def _ensure(self, topic: str) -> Provisioned:
        if topic in self.provisioning_failures:
            return Provisioned(topic, "PROVISIONER_FAILED", self.provisioning_failures[topic])
        table = names.table_name(topic)
        owner = self.registered.setdefault(
            f"table#{table}", {"topic_name": f"table#{table}", "owner": topic}
        )["owner"]
        if owner != topic:
            return Provisioned(topic, "TOPIC_COLLISION", f"{table} belongs to {owner}")
        item = {"topic_name": topic, "table_name": table, "processing_enabled": False, "status": "READY"}
        self.registered.setdefault(topic, item)
        self.spark.sql(
            f"CREATE TABLE IF NOT EXISTS {self.name('standardized.' + table)} "
            f"({_ENVELOPE}, rescued_data string) USING iceberg"
        )
        return Provisioned(topic)

    # --- what people and other services do ---

    def activate(
        self, topic: str, version: int, properties: Mapping[str, Any], required: Sequence[str] = ()
    ) -> None:
        """A schema that schema-validator has accepted."""
        document = {"type": "object", "x-topic": topic, "x-version": version, "required": list(required)}
        self.active_schemas[topic] = json.dumps({**document, "properties": properties})
        schema = read_schema(self.active_schemas[topic], topic)
        self._ensure(topic)
        table = self.name(f"curated.{names.table_name(topic)}")
        columns = "".join(f"`{field.column}` {field.data_type}, " for field in schema.fields)
        columns += f"{_ENVELOPE_TYPED}, schema_version int"
        self.spark.sql(f"CREATE TABLE IF NOT EXISTS {table} ({columns}) USING iceberg")
        present = self.spark.table(table).columns
        for field_ in schema.fields:
            if field_.column not in present:
                self.spark.sql(f"ALTER TABLE {table} ADD COLUMNS (`{field_.column}` {field_.data_type})")
        self.registered[topic] |= {"processing_enabled": True, "schema_version": version}

    def deliver(self, *events: Event) -> None:
        """One Firehose commit to RAW."""
        frame = self.spark.createDataFrame([event.row() for event in events], _DDL["raw.events"])
        frame.coalesce(1).writeTo(self.name("raw.events")).append()

    def raw_snapshot(self) -> str:
        found = self.spark.sql(
            f"SELECT snapshot_id FROM {self.name('raw.events')}.snapshots ORDER BY committed_at DESC LIMIT 1"
        ).collect()
        return str(found[0][0]) if found else ""

    # --- runs ---

    def next_cycle(self) -> str:
        self.cycles += 1
        return f"20261123T{self.cycles:06d}Z-0a1b2c3d"

    def job(self, cycle_id: str, to_snapshot: str | None = None) -> Job:
        upto = self.raw_snapshot() if to_snapshot is None else to_snapshot
        arguments = JobArguments(
            cycle_id, upto, self.prefix, "schemas", "registry", "points", "f", self.max_columns
        )
        return Job(
            arguments=arguments,
            spark=self.spark,
            registry=self,
            checkpoints=self.checkpoints,
            schemas=self,
            provisioner=self,
            clock=lambda: datetime.now(UTC),
            log=lambda message, **fields: self.logged.append({"message": message, **fields}),
        )

    def standardize(self, *events: Event, cycle_id: str | None = None) -> Outcome:
        if events:
            self.deliver(*events)
        return standardized_job.run(self.job(cycle_id or self.next_cycle()))

    def curate(self, cycle_id: str | None = None) -> Outcome:
        return curated_job.run(self.job(cycle_id or self.next_cycle()))

    # --- what is there ---

    def rows(self, table: str, *without: str) -> list[dict[str, Any]]:
        """Rows by column, in a fixed order, without some columns."""
        self.spark.sql(f"REFRESH TABLE {self.name(table)}")
        found = [row.asDict() for row in self.spark.table(self.name(table)).collect()]
        kept = [{name: value for name, value in row.items() if name not in without} for row in found]
        return sorted(kept, key=lambda row: json.dumps(row, sort_keys=True, default=str))

    def by_key(self, table: str) -> dict[str, dict[str, Any]]:
        return {row["idempotency_key"]: row for row in self.rows(table)}

    def ledger(self, layer: str, topic: str = "telemetry.climate") -> list[dict[str, Any]]:
        rows = [row for row in self.rows("ops.ledger") if (row["layer"], row["topic_name"]) == (layer, topic)]
        return sorted(rows, key=lambda row: row["cycle_id"])

    def balance(self, layer: str, topic: str = "telemetry.climate") -> tuple[int, int]:
        """(Σ records_in, what became of them): equal, or the ledger lies."""
        rows = self.ledger(layer, topic)
        table = f"{layer}.{names.table_name(topic)}"
        exists = names.table_name(topic) in [
            row["tableName"] for row in self.spark.sql(f"SHOW TABLES IN {self.name(layer)}").collect()
        ]
        held = len(self.rows(table)) if exists else 0
        gone = ("duplicates", "superseded", "parse_errors", "rejected")
        return sum(row["records_in"] for row in rows), held + sum(row[name] for row in rows for name in gone)


assert KEPT_COLUMNS  # the contract's names are used above as text, on purpose: a change there must show here
