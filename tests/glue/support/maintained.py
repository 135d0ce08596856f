"""Maintenance of a lake in memory, at any time that a test says, with bounds that few commits reach; and the
items of operations, which it reads."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lean_ops.maintenance import debt, every_table, job, raw_days, topic_tables
from lean_ops.maintenance.maintenance_run import MaintenanceRun
from lean_ops.ports.interfaces import Maintenance
from lean_ops.ports.job_arguments import MaintenanceArguments

if TYPE_CHECKING:
    import pytest
    from lake import Lake


class MemoryVersions:
    """Versions of catalog entries, which the tests' catalog does not have."""

    def __init__(self, **stored: Sequence[str]) -> None:
        self.stored = {name: list(ids) for name, ids in stored.items()}

    def of_table(self, layer: str, table: str) -> Sequence[str]:
        return self.stored.get(f"{layer}__{table}", [])

    def delete(self, layer: str, table: str, versions: Sequence[str]) -> None:
        kept = [one for one in self.stored[f"{layer}__{table}"] if one not in versions]
        self.stored[f"{layer}__{table}"] = kept


@dataclass
class MemoryOperations:
    """The items of operations and of topics' locks, by their ids."""

    items: dict[str, dict[str, Any]] = field(default_factory=dict)

    def get(self, operation_id: str) -> dict[str, Any] | None:
        return self.items.get(operation_id)

    def all(self) -> list[dict[str, Any]]:
        return list(self.items.values())

    def progress(self, operation_id: str, counts: Any, at: datetime) -> bool:
        return self._move(operation_id, "BUILDING", "BUILDING", counts, at)

    def swapping(self, operation_id: str, counts: Any, at: datetime) -> bool:
        return self._move(operation_id, "DRAINED", "DRAINED", counts, at)

    def built(self, operation_id: str, counts: Any, at: datetime) -> bool:
        return self._move(operation_id, "BUILDING", "BUILT", counts, at)

    def apply(self, operation_id: str, counts: Any, at: datetime) -> bool:
        return self._move(operation_id, "DRAINED", "APPLIED", counts, at)

    def _move(self, operation_id: str, before: str, after: str, counts: Any, at: datetime) -> bool:
        item = self.items[operation_id]
        if item["state"] != "RUNNING" or item["step"] not in (before, after):
            return False
        item.update(step=after, counts=dict(counts), updated_at=at.isoformat())
        return True

    def of(self, operation_id: str) -> list[str] | None:
        item = self.items.get(f"keys#{operation_id}")
        return None if item is None else list(item["keys"])

    def found(self, operation_id: str) -> dict[str, int]:
        return dict(self.items.get(f"keys#{operation_id}", {}).get("found", {}))

    def note(self, operation_id: str, found: Any) -> None:
        self.items[f"keys#{operation_id}"]["found"] = dict(found)

    def drop(self, operation_id: str) -> None:
        self.items.pop(f"keys#{operation_id}", None)

    def note_recorded(self, operation_id: str, state: str) -> None:
        self.items[operation_id].update(recorded=True, recorded_state=state)

    def add(self, operation_id: str, topic: str = "telemetry.climate", **more: Any) -> None:
        """Adds an operation as the state machine leaves it to the job."""
        self.items[operation_id] = {
            "operation_id": operation_id,
            "kind": operation_id.split("-")[1],
            "topic": topic,
            "state": "RUNNING",
            "step": "DRAINED",
            "requested_by": "arn:aws:iam::123456789012:user/kim",
            "reason": "merge two sites",
            "plan": {"epoch": 0},
            "counts": {},
            "requested_at": "2026-11-30T06:25:00.000Z",
            "recorded": False,
            **more,
        }
        self.items[f"topic#{topic}"] = {"operation_id": f"topic#{topic}", "holder": operation_id}


@dataclass
class MemoryArchive:
    """The objects of buckets, the index of the archive, and the attempts at messages."""

    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    index: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    attempts: set[str] = field(default_factory=set)

    def list(self, bucket: str, prefix: str) -> list[str]:
        return sorted(key for of, key in self.objects if of == bucket and key.startswith(prefix))

    def read(self, bucket: str, key: str) -> bytes | None:
        return self.objects.get((bucket, key))

    def put(self, bucket: str, key: str, content: bytes) -> None:
        self.objects[bucket, key] = content

    def delete(self, bucket: str, key: str) -> None:
        self.objects.pop((bucket, key), None)

    def entries(self, topic: str) -> "list[dict[str, Any]]":
        return [item for (of, _), item in sorted(self.index.items()) if of == topic]

    def delete_entry(self, topic: str, failed_at_message_id: str) -> None:
        self.index.pop((topic, failed_at_message_id), None)

    def delete_attempts(self, message_id: str) -> None:
        self.attempts.discard(message_id)


def maintain(
    lake: "Lake",
    *,
    topic: str | None = None,
    at: datetime | None = None,
    operations: MemoryOperations | None = None,
    versions: MemoryVersions | None = None,
    ticks: Sequence[float] = (),
    **arguments: Any,
) -> MaintenanceRun:
    """Runs the job, or what it does for one topic.

    at: what its clock says. ticks: what elapses before each look at the budget; then nothing does.
    """
    times = iter(ticks)
    elapsed = 0.0

    def tick() -> float:
        nonlocal elapsed
        elapsed += next(times, 0.0)
        return elapsed

    maintenance = Maintenance(
        arguments=MaintenanceArguments(
            cycle_id="20991231T000000Z-0a1b2c3d",
            database_prefix=lake.prefix,
            registry_table="registry",
            checkpoint_table="points",
            operations_table="operations",
            driver_threads=2,
            **arguments,
        ),
        spark=lake.spark,
        registry=lake,
        checkpoints=lake.checkpoints,
        operations=operations or MemoryOperations(),
        versions=versions or MemoryVersions(),
        clock=lambda: at or datetime.now(UTC),
        elapsed=tick,
        log=lambda message, **fields: lake.logged.append({"message": message, **fields}),
    )
    if topic is None:
        return job.run(maintenance)
    return job.run_topic(maintenance, topic, lake.registered[topic].get("epoch", 0))


def keep_few(monkeypatch: "pytest.MonkeyPatch", kept: int) -> None:
    """Has maintenance keep so few snapshots, expire as soon as there is one more, and leave the files of
    topics' tables alone."""
    monkeypatch.setattr(every_table, "KEPT_SNAPSHOTS", kept)
    monkeypatch.setattr(every_table, "MIN_EXPIRED", 1)
    # A rewrite would be one more commit.
    monkeypatch.setattr(topic_tables, "MIN_SMALL_FILES", 100)


def make_eager(monkeypatch: "pytest.MonkeyPatch", kept: int) -> None:
    """Has maintenance keep so few snapshots, and do to young tables all that it does to old ones."""
    keep_few(monkeypatch, kept)
    monkeypatch.setattr(every_table, "due", lambda tables, *_: tables)
    for module in (debt, topic_tables):
        monkeypatch.setattr(module, "MIN_SMALL_FILES", 2)
    monkeypatch.setattr(raw_days, "MIN_DEPTH", 2)


def snapshot_ids(lake: "Lake", table: str) -> list[int]:
    """The ids of a table's snapshots, oldest first."""
    rows = lake.spark.table(f"{lake.name(table)}.snapshots").orderBy("committed_at").collect()
    return [row["snapshot_id"] for row in rows]


def count_at(lake: "Lake", table: str, snapshot_id: int) -> int:
    """How many rows a reader finds at a snapshot, who opens every file of it."""
    reader = lake.spark.read.format("iceberg").option("snapshot-id", snapshot_id)
    return len(reader.load(lake.name(table)).collect())


def data_files(lake: "Lake", table: str) -> int:
    return lake.spark.table(f"{lake.name(table)}.files").count()


def lines(lake: "Lake", message: str, table: str | None = None) -> list[dict[str, Any]]:
    """The lines that maintenance logged with this message, of one table or of all."""
    found = [line for line in lake.logged if line["message"] == message]
    return [line for line in found if table is None or line.get("table") == table]
