"""A lake as historical_catch_up meets it: tables, and whatever a test leaves of registry, drift_log and
schemas."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lake import Lake

from lean_ops.catch_up import job as catch_up_job
from lean_ops.catch_up.job import CatchUpOutcome
from lean_ops.columns import names
from lean_ops.ports.interfaces import ICEBERG, ActiveFile, CatalogEntry, CatchUp
from lean_ops.ports.job_arguments import CatchUpArguments

NOW = datetime(2027, 1, 1, tzinfo=UTC)
ENVELOPE = ", ".join(f"{name} string" for name in (*names.ENVELOPE_COLUMNS, names.RESCUED))
CURATED_ENVELOPE = (
    "message_id string, idempotency_key string, event_time timestamp_ntz, produced_at timestamp_ntz, "
    "received_at timestamp_ntz, ingested_at timestamp_ntz, cycle_id string, schema_version int"
)


class Killed(BaseException):
    """Stands for the end of the machine, so no code may handle it."""


@dataclass
class Adopted:
    """The ports of a run, in memory around a Lake.

    calls: the writes outside Spark, in order.
    kill_after: the number of the write after which the machine ends before it sees the answer; 0 ends it
    before the first.
    """

    lake: Lake
    folders: set[str] = field(default_factory=set)
    foreign: list[tuple[str, CatalogEntry]] = field(default_factory=list)
    active_files: dict[str, bytes] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    kill_after: int | None = None
    before_write: Callable[[str], None] = lambda _: None

    # --- the ports ---

    def items(self) -> Iterable[dict[str, Any]]:
        return self.lake.items()

    def claim_table(self, table: str, topic: str) -> bool:
        def write() -> bool:
            key = f"table#{table}"
            item = {"topic_name": key, "owner": topic, "table_name": table}
            return self.lake.registered.setdefault(key, item)["owner"] == topic

        return self.written(f"claim {table}", write)

    def add(self, item: Mapping[str, Any]) -> bool:
        def write() -> bool:
            return self.lake.registered.setdefault(item["topic_name"], dict(item)) == item

        return self.written(f"add {item['topic_name']}", write)

    def fill(self, topic: str, attributes: Mapping[str, Any], claimed_sequencer: str | None) -> bool:
        def write() -> bool:
            item = self.lake.registered[topic]
            taken = [name for name in attributes if name in item and name != "updated_at"]
            if taken or item.get("claimed_sequencer") != claimed_sequencer:
                return False
            item.update(attributes)
            return True

        return self.written(f"fill {topic}", write)

    def topics(self) -> Iterable[str]:
        return {*self.folders, *self.active_files, *self.lake.active_schemas}

    def active_file(self, topic: str) -> ActiveFile | None:
        text = self.lake.active_schemas.get(topic)
        content = self.active_files.get(topic, None if text is None else text.encode())
        return None if content is None else ActiveFile(content, f"etag-of-{topic}")

    def entries(self, layer: str) -> Iterable[CatalogEntry]:
        rows = self.lake.spark.sql(f"SHOW TABLES IN {self.lake.name(layer)}").collect()
        own = [CatalogEntry(row["tableName"], ICEBERG) for row in rows]
        return [*own, *(entry for of_layer, entry in self.foreign if of_layer == layer)]

    def metadata_locations(self, layer: str) -> Mapping[str, str]:
        return self.lake.metadata_locations(layer)

    def written(self, what: str, write: Callable[[], Any]) -> Any:
        self.before_write(what)
        if self.kill_after == 0:
            raise Killed(what)
        answer = write()
        self.calls.append(what)
        if self.kill_after == len(self.calls):
            raise Killed(what)
        return answer

    # --- runs ---

    def run(self, *topics: str, dry_run: bool = False, **owners: str) -> CatchUpOutcome:
        arguments = CatchUpArguments(
            database_prefix=self.lake.prefix,
            schema_bucket="schemas",
            registry_table="registry",
            topics=topics,
            owners=owners,
            dry_run=dry_run,
        )
        log = self.lake.logged
        return catch_up_job.run(
            CatchUp(
                arguments=arguments,
                spark=self.lake.spark,
                registry=self,
                schemas=self,
                catalog=self,
                clock=lambda: NOW,
                log=lambda message, **fields: log.append({"message": message, **fields}),
            )
        )

    # --- what is there ---

    def sql(self, text: str) -> None:
        self.lake.spark.sql(text)

    def standardized(self, topic: str, columns: str = "", own: str = ENVELOPE) -> str:
        """Makes a Standardized table by hand. Returns its full name."""
        table = self.lake.name(f"standardized.{names.table_name(topic)}")
        self.sql(f"CREATE TABLE {table} ({', '.join(filter(None, (own, columns)))}) USING iceberg")
        return table

    def insert(self, table: str, **values: str) -> None:
        """Commits one row. Columns that are not named are NULL."""
        types = dict(self.lake.spark.table(table).dtypes)
        listed = (f"CAST({values.get(name, 'NULL')!r} AS {kind})" for name, kind in types.items())
        listed = (text.replace("'NULL'", "NULL") for text in listed)
        self.sql(f"INSERT INTO {table} SELECT {', '.join(listed)}")

    def curated(self, topic: str, columns: str) -> str:
        table = self.lake.name(f"curated.{names.table_name(topic)}")
        self.sql(f"CREATE TABLE {table} ({columns}, {CURATED_ENVELOPE}) USING iceberg")
        return table

    def schema(self, topic: str, version: int, properties: Mapping[str, Any]) -> None:
        document = {"type": "object", "x-topic": topic, "x-version": version, "properties": properties}
        self.active_files[topic] = json.dumps(document).encode()

    def forget(self) -> None:
        """Forgets registry and drift_log, as if the lake were older than both."""
        self.lake.registered.clear()
        self.sql(f"DELETE FROM {self.lake.name('ops.drift_log')}")

    def drift(self, topic: str, *names_: str) -> list[tuple[Any, ...]]:
        kept = names_ or ("layer", "change_type", "column_name", "new_value", "source")
        rows = [row for row in self.lake.rows("ops.drift_log") if row["topic_name"] == topic]
        return sorted((tuple(row[name] for name in kept) for row in rows), key=str)

    def state(self, ids: bool = True) -> dict[str, Any]:
        """Returns everything that a run may change: rows of drift_log, columns of every table, the
        registry."""
        found: dict[str, Any] = {
            "registry": {key: dict(item) for key, item in self.lake.registered.items()},
            "drift_log": self.lake.rows("ops.drift_log", *(() if ids else ("detected_at",))),
        }
        for name in self.tables():
            self.sql(f"REFRESH TABLE {self.lake.name(name)}")
            found[name] = self.lake.spark.table(self.lake.name(name)).dtypes
        return found

    def snapshots(self) -> dict[str, Sequence[Any]]:
        """Returns every commit of every table, including empty ones, and every version of its metadata."""
        found = {}
        for name in (*self.tables(), "ops.drift_log"):
            for kind in ("snapshots", "metadata_log_entries"):
                rows = self.lake.spark.sql(f"SELECT * FROM {self.lake.name(name)}.{kind}").collect()
                found[f"{name}.{kind}"] = sorted(map(str, rows))
        return found

    def tables(self) -> list[str]:
        return [
            f"{layer}.{entry.name}"
            for layer in ("standardized", "curated")
            for entry in self.entries(layer)
            if entry.kind == ICEBERG
        ]
