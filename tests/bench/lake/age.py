"""A life on fast-forward: `age.py PLAN SETTINGS` runs many cycles by the jobs' own code, and maintenance
once a day of the life. SETTINGS is JSON, see `Settings`.

Before each cycle RAW gets its share of the commits, as Firehose makes them. Each day leaves objects that no
table names, as a run that is killed does. Prints what each cycle cost and what the lake is in the end.
"""

import json
import sys
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

import boto3
from pyspark.sql import SparkSession

from append_raw import raw_row
from bench_plan import Plan, answer, read_plan, say
from bench_spark import bench_spark
from events import TopicEvents, interleaved, shares
from lean_ops.curated import job as curated
from lean_ops.entrypoint.layer_main import limited_catalog_calls
from lean_ops.maintenance import job as maintenance
from lean_ops.maintenance.orphans import LOOKED_AT_EVERY, ORPHANED_FOR
from lean_ops.ports.aws import (
    DynamoCheckpoints,
    DynamoOperations,
    DynamoRegistry,
    GlueCatalog,
    GlueTableVersions,
    LambdaProvisioner,
    S3Schemas,
    use_region,
)
from lean_ops.ports.interfaces import Job, Maintenance
from lean_ops.ports.job_arguments import JobArguments, MaintenanceArguments
from lean_ops.spark.session import open_session, region_of
from lean_ops.standardized import job as standardized
from life_account import TableSize, size_of, sizes, unnamed
from life_clock import LifeClock
from life_deliveries import Deliveries
from life_history import write_history
from life_requests import Meter

_LAYERS = (standardized, curated)
_US = timedelta(microseconds=1)
_LISTED = 10
_TOLD_EVERY = 5
_NO_FUNCTION = "none"
"""Every table is there before the first cycle, so none is asked for."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """events: of each topic in each cycle. commits: to RAW, in all. kept_days: for how many days topics can
    be taken back. maintained: whether maintenance runs. The others are names of what the jobs use."""

    cycles: int
    cycles_a_day: int
    events: int
    commits: int
    kept_days: int
    maintained: bool
    schema_bucket: str
    registry_table: str
    checkpoint_table: str
    operations_table: str


class Life:
    """A life, cycle by cycle."""

    def __init__(self, plan: Plan, settings: Settings, spark: SparkSession) -> None:
        self.plan, self.settings, self.spark = plan, settings, spark
        self.clock = LifeClock(settings.cycles_a_day)
        self._meter = Meter(plan)
        self._deliveries = Deliveries(plan, spark)
        a_cycle, (new, _, _) = self.clock.between_cycles // _US, shares(1, settings.events)
        self._topics = [TopicEvents(topic, a_cycle // new) for topic in plan.topics]
        self._maintained: list[dict[str, Any]] = []

    def cycle(self, number: int) -> dict[str, Any]:
        """Lives through one cycle, and gives what its two jobs cost. Exits when a topic fails."""
        began = self.clock.begin()
        commits = self._deliver(number, int(began.timestamp() * 1_000_000))
        measured: dict[str, Any] = {"cycle": number, "commits": commits}
        with self._meter.measured(measured):
            for layer in _LAYERS:
                outcome = layer.run(self._job(began.strftime("%Y%m%dT%H%M%SZ-0a1b2c3d")))
                if (trouble := outcome.trouble()) is not None:
                    sys.exit(f"cycle {number}: {trouble}")
        measured["raw_metadata_bytes"] = size_of(self.plan, ("raw", "events")).metadata_bytes
        return measured

    def _deliver(self, number: int, received: int) -> int:
        """Appends a cycle's events to RAW in its share of the commits. Returns how many those are."""
        settings = self.settings
        commits = settings.commits * (number + 1) // settings.cycles
        commits -= settings.commits * number // settings.cycles
        rows = iter(
            [
                raw_row(topic, message, received + place * 1_000)
                for place, topic, message in interleaved(self._topics, number, settings.events)
            ]
        )
        each = -(-len(self._topics) * settings.events // max(1, commits))
        made = 0
        while part := list(islice(rows, each)):
            self._deliveries.append(part)
            made += 1
        return made

    def maintain(self) -> None:
        """Runs maintenance as it is now in the life."""
        begun, lines = time.monotonic(), []

        def log(message: str, level: str = "INFO", **fields: Any) -> None:
            lines.append({"message": message, "level": level, **fields})
            _log(message, level, **fields)

        arguments = MaintenanceArguments(
            cycle_id=self.clock.now().strftime("%Y%m%dT%H%M%SZ-0a1b2c3d"),
            database_prefix=self.plan.prefix,
            registry_table=self.settings.registry_table,
            checkpoint_table=self.settings.checkpoint_table,
            operations_table=self.settings.operations_table,
            rewind_window_days=self.settings.kept_days,
        )
        with (
            limited_catalog_calls(self.spark, arguments.catalog_calls_per_second, _log),
            self.clock.kept_by_maintenance(),
        ):
            run = maintenance.run(
                Maintenance(
                    arguments=arguments,
                    spark=self.spark,
                    registry=DynamoRegistry(arguments.registry_table),
                    checkpoints=DynamoCheckpoints(arguments.checkpoint_table),
                    operations=DynamoOperations(arguments.operations_table),
                    versions=GlueTableVersions(arguments.database_prefix),
                    clock=self.clock.now,
                    elapsed=time.monotonic,
                    log=log,
                )
            )
        if (trouble := run.trouble()) is not None:
            sys.exit(trouble)
        self._maintained.append({"seconds": time.monotonic() - begun, "waiting": run.waiting, "lines": lines})

    def leave_orphans(self, day: int) -> int:
        """Leaves objects as a killed run does: in RAW, in a table of ops, and in a topic's tables. Returns
        how many."""
        topic = self.plan.topics[day % len(self.plan.topics)].table
        places = {"raw": "events", "ops": "ledger", "standardized": topic, "curated": topic}
        store = boto3.client("s3")
        for layer, table in places.items():
            key = f"warehouse/{self.plan.database(layer)}/{table}/data/left-behind-{day}.parquet"
            store.put_object(Bucket=self.plan.lake, Key=key, Body=b"PAR1")
        return len(places)

    def maintenance(self) -> dict[str, Any]:
        """What maintenance did, over all of its runs."""
        done: Counter[str] = Counter()
        for run in self._maintained:
            for line in run["lines"]:
                for name, count in _DONE.items():
                    if line["message"] == name:
                        done[name] += 1 if count is None else line[count]
        return {
            "runs": len(self._maintained),
            "seconds": [round(run["seconds"], 1) for run in self._maintained],
            "waiting": sum(sum(run["waiting"].values()) for run in self._maintained),
            "done": {name: done[name] for name in _DONE},
        }

    def _job(self, cycle_id: str) -> Job:
        return Job(
            arguments=JobArguments(
                cycle_id=cycle_id,
                to_snapshot_id=self._deliveries.snapshot_id,
                database_prefix=self.plan.prefix,
                schema_bucket=self.settings.schema_bucket,
                registry_table=self.settings.registry_table,
                checkpoint_table=self.settings.checkpoint_table,
                provisioner_function=_NO_FUNCTION,
            ),
            spark=self.spark,
            registry=DynamoRegistry(self.settings.registry_table),
            checkpoints=DynamoCheckpoints(self.settings.checkpoint_table),
            schemas=S3Schemas(self.settings.schema_bucket),
            provisioner=LambdaProvisioner(_NO_FUNCTION),
            catalog=GlueCatalog(self.plan.prefix),
            clock=self.clock.now,
            log=_log,
        )


_DONE = {
    "cycles dropped": "cycles",
    "snapshots expired": "expired",
    "versions deleted": "versions",
    "table rewritten": None,
    "day of RAW compacted": None,
    "orphans found": "removed",
}
"""The lines of maintenance's log, and the field that counts what was done; None where each line is one."""


def _log(message: str, level: str = "INFO", **fields: Any) -> None:
    print(
        json.dumps({"level": level, "message": message, **fields}, default=str), file=sys.stderr, flush=True
    )


def live(life: Life) -> tuple[list[dict[str, Any]], int]:
    """Returns what each cycle cost, and how many orphans were left."""
    settings = life.settings
    cycles, orphans = [], 0
    for number in range(settings.cycles):
        day, first = divmod(number, settings.cycles_a_day)
        if first == 0 and day > 0:
            orphans += life.leave_orphans(day)
            if settings.maintained:
                begun = time.monotonic()
                life.maintain()
                say(f"day {day}: maintenance took {time.monotonic() - begun:.1f} s")
        begun = time.monotonic()
        cycles.append(life.cycle(number))
        if number == 0:
            write_history(life.spark, life.plan)
        _tell(cycles[-1], time.monotonic() - begun, settings.cycles)
    return cycles, orphans


def _tell(cycle: dict[str, Any], seconds: float, cycles: int) -> None:
    requests = sum(cycle["requests"].values())
    read = sum(part["bytes"] for part in cycle["reads"].values())
    say(
        f"cycle {cycle['cycle'] + 1} of {cycles}: {cycle['seconds']:.1f} s, {cycle['cpu_seconds']:.1f} s of "
        f"CPU, {requests} requests, {read / 2**20:.2f} MiB read; {seconds:.1f} s with {cycle['commits']} "
        "commits to RAW"
    )
    if cycle["cycle"] % _TOLD_EVERY == 0:
        parts = sorted(cycle["reads"].items(), key=lambda part: -part[1]["bytes"])
        told = (f"{name} {of['bytes'] / 2**10:.0f} in {of['requests']} requests" for name, of in parts)
        say(f"KiB read: {', '.join(islice(told, _LISTED))}")


def account(life: Life, found: list[TableSize]) -> dict[str, Any]:
    """What the lake is in the end."""

    def largest(what: str, *layers: str) -> int:
        return max(getattr(one, what) for one in found if one.layer in layers)

    def of_kinds(what: str) -> dict[str, int]:
        by_name = {one.table: getattr(one, what) for one in found if one.layer == "ops"}
        topics = largest(what, "standardized", "curated")
        return {"raw": largest(what, "raw"), "topic_max": topics, **by_name}

    objects, none = unnamed(life.plan)
    kept = ORPHANED_FOR + LOOKED_AT_EVERY
    bound = life.clock.now() - kept
    overdue = sorted(path for path, written in none if life.clock.of(written) < bound)
    for path in overdue[:_LISTED]:
        say(f"nothing names {path}, which is older than {kept.days} days")
    return {
        "metadata_bytes": of_kinds("metadata_bytes"),
        "snapshots": of_kinds("snapshots"),
        "files": of_kinds("files"),
        "objects": objects,
        "unreferenced": len(none),
        "unreferenced_overdue": len(overdue),
    }


def main() -> None:
    plan, settings = read_plan(sys.argv[1]), Settings(**json.loads(sys.argv[2]))
    with bench_spark(plan) as configured:
        # The library's own session takes the settings of the one that is there, as on Glue.
        SparkSession._instantiatedSession = configured
        spark = open_session("bench-age")
        use_region(region_of(spark))
        life = Life(plan, settings, spark)
        begun = time.monotonic()
        cycles, orphans = live(life)
        lived = time.monotonic() - begun
        say("the account of all objects")
        end = account(life, sizes(plan))
    answer(
        {
            "cycles": cycles,
            "lived_seconds": lived,
            "orphans_left": orphans,
            "maintenance": life.maintenance(),
            **end,
        }
    )


if __name__ == "__main__":
    main()
