"""A whole account in memory around real Iceberg tables. It does what table-provisioner, schema-validator and
Firehose would do."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from pyspark.sql import SparkSession

from emulator.athena.sql import plan
from lean_ops.bookkeeping.run_outcome import RunOutcome
from lean_ops.columns import names
from lean_ops.curated import job as curated_job
from lean_ops.payload.flatten_batches import KEPT_COLUMNS
from lean_ops.ports.interfaces import ICEBERG, CatalogEntry, Job, Provisioned
from lean_ops.ports.job_arguments import JobArguments
from lean_ops.spark.iceberg_classes import iceberg_of
from lean_ops.standardized import job as standardized_job
from lean_ops.validation.topic_schema import read_schema

EPOCH = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
_DDL = json.loads((Path(__file__).parents[2] / "conformance" / "ddl.json").read_text(encoding="utf-8"))
"""Athena's statements as the pipeline runs them; a test of packages/common holds the file to that."""
_EVENTS = (
    "topic_name string, message_id string, idempotency_key string, event_time timestamp_ntz, "
    "produced_at timestamp_ntz, received_at timestamp_ntz, ingested_at timestamp_ntz, payload string, "
    "source_message_id string, payload_sha256 string, trace_id string, envelope_issues string"
)


@dataclass(frozen=True)
class Event:
    """A message, which becomes a row of RAW.

    payload: a text as it is, or a value that is written as JSON.
    produced, ingested, event: seconds after EPOCH.
    """

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


def _of_table(statement: str, table: str) -> str:
    """Returns the fixture's statement for another table."""
    return statement.replace("`topic`", f"`{table}`").replace("/topic/", f"/{table}/")


def _at(seconds: int) -> datetime:
    return (EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None)


class MemoryCheckpoints:
    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], dict[str, Any]] = {}
        self.refused_topics: set[str] = set()
        """The topics whose items DynamoDB does not take, as when it throttles."""

    def get(self, topic: str, layer: str) -> dict[str, Any] | None:
        return self.stored.get((topic, layer))

    def of_topics(self, topics: Iterable[str], layer: str) -> dict[str, dict[str, Any]]:
        return {topic: self.stored[topic, layer] for topic in topics if (topic, layer) in self.stored}

    def put(self, topic: str, layer: str, item: Mapping[str, Any]) -> None:
        if topic in self.refused_topics:
            raise RuntimeError("ProvisionedThroughputExceededException")
        known = self.stored.get((topic, layer))
        if known is None or known["cycle_id"] <= item["cycle_id"]:
            self.stored[(topic, layer)] = {name: value for name, value in item.items() if value is not None}


@contextmanager
def out_of_reach(files: Iterable[str]) -> Iterator[None]:
    """Whatever opens one of these data files meanwhile fails."""
    paths = [Path(urlparse(file).path) for file in files]
    for path in paths:
        path.rename(f"{path}.away")
    try:
        yield
    finally:
        for path in paths:
            Path(f"{path}.away").rename(path)


@dataclass
class Lake:
    """Registry, schemas and table-provisioner in one, because they share what they know."""

    spark: SparkSession
    prefix: str
    checkpoints: MemoryCheckpoints = field(default_factory=MemoryCheckpoints)
    registered: dict[str, dict[str, Any]] = field(default_factory=dict)
    active_schemas: dict[str, str] = field(default_factory=dict)
    schema_files: dict[str, str] = field(default_factory=dict)
    """The texts of schemas that are not active, by their keys."""
    provisioning_failures: dict[str, str] = field(default_factory=dict)
    logged: list[dict[str, Any]] = field(default_factory=list)
    max_columns: int = 500
    cycles: int = 0

    def __post_init__(self) -> None:
        for layer in ("raw", "standardized", "curated", "ops"):
            self.spark.sql(f"CREATE NAMESPACE glue_catalog.{self.prefix}_{layer}")
        self.create_system_tables()

    def create_system_tables(self) -> None:
        for statement in _DDL["system"].values():
            self._create(statement)

    def name(self, table: str) -> str:
        return f"glue_catalog.{self.prefix}_{table}"

    def data_files(self, table: str) -> set[str]:
        return {row["file_path"] for row in self.spark.table(f"{self.name(table)}.files").collect()}

    def _create(self, statement: str) -> None:
        """Makes a table by Athena's own statement, in the place where this catalog has its tables."""
        planned = plan(statement.replace("lean_ops_", f"{self.prefix}_"), "default").sql
        self.spark.sql(re.sub(r"LOCATION '[^']*' |'write\.data\.path'='[^']*', ", "", planned))

    # --- the ports ---

    def items(self) -> Iterable[dict[str, Any]]:
        return list(self.registered.values())

    def active(self, topic: str) -> str | None:
        return self.active_schemas.get(topic)

    def at(self, key: str) -> str | None:
        return self.schema_files.get(key)

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
        self._create(_of_table(_DDL["standardized"], table))
        return Provisioned(topic)

    def metadata_locations(self, layer: str) -> dict[str, str]:
        """Reads the truth: the newest metadata file of each table's folder. Its name is that of another
        table's file when a table is made anew, so its time is added."""
        folder = urlparse(self.spark.conf.get("spark.sql.catalog.glue_catalog.warehouse") or "").path
        found = {}
        for table in Path(unquote(folder), f"{self.prefix}_{layer}").iterdir():
            files = list((table / "metadata").glob("v*.metadata.json"))
            if files:
                newest = max(files, key=lambda file: int(file.name.partition(".")[0].removeprefix("v")))
                found[table.name] = f"{newest}?{newest.stat().st_mtime_ns}"
        return found

    def entries(self, layer: str) -> list[CatalogEntry]:
        return [CatalogEntry(table, ICEBERG) for table in self.metadata_locations(layer)]

    # --- what people and other services do ---

    def activate(
        self,
        topic: str,
        version: int,
        properties: Mapping[str, Any],
        required: Sequence[str] = (),
        **words: Any,
    ) -> None:
        """Puts a schema in force, as when schema-validator has accepted it. words: further keywords, for
        example x_event_time for x-event-time."""
        document = {"type": "object", "x-topic": topic, "x-version": version, "required": list(required)}
        document |= {word.replace("_", "-"): value for word, value in words.items()}
        self.active_schemas[topic] = json.dumps({**document, "properties": properties})
        schema = read_schema(self.active_schemas[topic], topic)
        self._ensure(topic)
        table = self.name(f"curated.{names.table_name(topic)}")
        columns = ",\n".join(
            f"  `{field.column}` {field.data_type.removesuffix('_ntz')}" for field in schema.fields
        )
        declared = words.get("x_event_time")
        stable = "stable" if words.get("x_event_time_stable") else "neither"
        statement = _of_table(_DDL["curated"]["declared" if declared else stable], names.table_name(topic))
        # The statement is of a schema with the one field `at`.
        statement = statement.replace("  `at` timestamp", columns)
        self._create(statement.replace("`at`", f"`{names.column_name(str(declared).split('.'))}`"))
        present = self.spark.table(table).columns
        for field_ in schema.fields:
            if field_.column not in present:
                self.spark.sql(f"ALTER TABLE {table} ADD COLUMNS (`{field_.column}` {field_.data_type})")
        self.registered[topic] |= {"processing_enabled": True, "schema_version": version}
        self.registered[topic].pop("opaque_columns", None)
        if schema.opaque_columns:
            self.registered[topic]["opaque_columns"] = sorted(schema.opaque_columns)

    def hold(self, topic: str, status: str = "MAINTENANCE") -> None:
        """Holds a topic, as `lean-ops topic hold` does in the registry, whether or not it is known yet."""
        known = self.registered.setdefault(
            topic, {"topic_name": topic, "table_name": names.table_name(topic)}
        )
        known["hold"] = {"status_before": known.get("status")}
        known["status"] = status

    def release(self, topic: str) -> None:
        item = self.registered[topic]
        item["status"] = item.pop("hold")["status_before"]

    def deliver(self, *events: Event) -> None:
        """Makes one commit to RAW, as Firehose does."""
        frame = self.spark.createDataFrame([event.row() for event in events], _EVENTS)
        frame.coalesce(1).writeTo(self.name("raw.events")).append()

    def roll_back(self, table: str, commits: int) -> None:
        """Rolls a table back to what it was after so many commits of its history; 0 is before the first.

        It does what people do with Spark or Trino. Before the first there is no snapshot to name, so the
        branch is removed, which is what is left of a table that somebody made anew.
        """
        iceberg = iceberg_of(self.spark._jvm)
        java = iceberg.load(self.spark, self.name(table))
        ancestors = self._ancestors(table)
        if commits:
            java.manageSnapshots().rollbackTo(ancestors[commits - 1]).commit()
        elif ancestors:
            operations = java.operations()
            base = operations.current()
            operations.commit(base, iceberg.metadata.buildFrom(base).removeRef("main").build())
        self.spark.sql(f"REFRESH TABLE {self.name(table)}")

    def commits(self, table: str) -> int:
        """Returns how many commits a table's history has."""
        return len(self._ancestors(table))

    def _ancestors(self, table: str) -> list[int]:
        """Returns the snapshots from the first to the current one."""
        java = iceberg_of(self.spark._jvm).load(self.spark, self.name(table))
        found, snapshot = [], java.currentSnapshot()
        while snapshot is not None:
            found.append(snapshot.snapshotId())
            parent = snapshot.parentId()
            snapshot = None if parent is None else java.snapshot(parent)
        return found[::-1]

    def forget(self, cycles: Sequence[str]) -> None:
        """Deletes cycles from cycle_delta, as retention does after some days."""
        listed = ", ".join(f"'{cycle}'" for cycle in cycles)
        self.spark.sql(f"DELETE FROM {self.name('ops.cycle_delta')} WHERE cycle_id IN ({listed})")

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
            cycle_id=cycle_id,
            to_snapshot_id=upto,
            database_prefix=self.prefix,
            schema_bucket="schemas",
            registry_table="registry",
            checkpoint_table="points",
            provisioner_function="f",
            max_columns=self.max_columns,
        )
        return Job(
            arguments=arguments,
            spark=self.spark,
            registry=self,
            checkpoints=self.checkpoints,
            schemas=self,
            provisioner=self,
            catalog=self,
            clock=lambda: datetime.now(UTC),
            log=lambda message, **fields: self.logged.append({"message": message, **fields}),
        )

    def standardize(self, *events: Event, cycle_id: str | None = None) -> RunOutcome:
        if events:
            self.deliver(*events)
        return standardized_job.run(self.job(cycle_id or self.next_cycle()))

    def curate(self, cycle_id: str | None = None) -> RunOutcome:
        return curated_job.run(self.job(cycle_id or self.next_cycle()))

    # --- what is there ---

    def rows(self, table: str, *without: str) -> list[dict[str, Any]]:
        """Returns a table's rows in a fixed order, without the columns named."""
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
        """Returns Σ records_in + Σ replayed and the number of what became of them, which must be equal."""
        rows = self.ledger(layer, topic)
        table = f"{layer}.{names.table_name(topic)}"
        exists = names.table_name(topic) in [
            row["tableName"] for row in self.spark.sql(f"SHOW TABLES IN {self.name(layer)}").collect()
        ]
        present = len(self.rows(table)) if exists else 0
        gone = ("duplicates", "superseded", "parse_errors", "rejected", "forgotten")
        return sum(row["records_in"] + row["replayed"] for row in rows), present + sum(
            row[name] for row in rows for name in gone
        )


# The names above are written as text on purpose, so that a change of the contract shows here.
assert KEPT_COLUMNS
