"""Maintenance of a lake in memory, at any time that a test says, with bounds that few commits reach."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lean_ops.maintenance import every_table, job, topic_tables
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


def maintain(
    lake: "Lake",
    *,
    topic: str | None = None,
    at: datetime | None = None,
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
            driver_threads=2,
            **arguments,
        ),
        spark=lake.spark,
        registry=lake,
        checkpoints=lake.checkpoints,
        versions=versions or MemoryVersions(),
        clock=lambda: at or datetime.now(UTC),
        elapsed=tick,
        log=lambda message, **fields: lake.logged.append({"message": message, **fields}),
    )
    return job.run(maintenance) if topic is None else job.run_topic(maintenance, topic)


def keep_few(monkeypatch: "pytest.MonkeyPatch", kept: int) -> None:
    """Has maintenance keep so few snapshots, expire as soon as there is one more, and leave the files of
    topics' tables alone."""
    monkeypatch.setattr(every_table, "KEPT_SNAPSHOTS", kept)
    monkeypatch.setattr(every_table, "MIN_EXPIRED", 1)
    # A rewrite would be one more commit.
    monkeypatch.setattr(topic_tables, "MIN_SMALL_FILES", 100)


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
