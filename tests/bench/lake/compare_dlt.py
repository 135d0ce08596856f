"""The comparison with dlt: each topic is a resource with a primary key, merged by upsert into Iceberg tables
in a local folder.

`compare_dlt.py PLAN HISTORY` runs in dlt's own virtual environment. It loads the events of HISTORY cycles and
then measures how long the events of the next cycle take to extract, normalize and load. Prints `{"seconds"}`.
"""

import json
import os
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from bench_plan import Plan, answer, read_plan, say

Rows = dict[str, list[dict[str, Any]]]
_CHECKED = ("idempotency_key", "message_id")
_READ_WHOLE = 6
_COLUMNS = ["topic_name", "message_id", "idempotency_key", "produced_at", "payload"]


def read_events(plan: Plan, cycles: range) -> Rows:
    """Returns topic to its events, in the order in which they arrived."""
    found: Rows = defaultdict(list)
    for cycle in cycles:
        for event in pq.read_table(plan.folder / f"events-{cycle}.parquet", columns=_COLUMNS).to_pylist():
            found[event.pop("topic_name")].append(event)
    return found


def latest(events: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yields the latest event of each key, because dlt's upsert needs each key once."""
    newest: dict[str, dict[str, Any]] = {}
    for event in events:
        known = newest.get(event["idempotency_key"])
        if known is None or known["produced_at"] < event["produced_at"]:
            newest[event["idempotency_key"]] = event
    yield [
        {
            "idempotency_key": event["idempotency_key"],
            "message_id": event["message_id"],
            "produced_at": event["produced_at"],
            **json.loads(event["payload"]),
        }
        for event in newest.values()
    ]


def main() -> None:
    plan, history = read_plan(sys.argv[1]), int(sys.argv[2])
    folder = plan.folder / "dlt"
    lake = folder / "lake"
    shutil.rmtree(folder, ignore_errors=True)
    os.environ |= {"DLT_DATA_DIR": str(folder), "RUNTIME__DLTHUB_TELEMETRY": "false"}
    import dlt

    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=str(folder / "pipelines"),
        destination=dlt.destinations.filesystem(bucket_url=lake.as_uri()),
        dataset_name="events",
    )

    def load(events: Rows) -> float:
        resources = [
            dlt.resource(
                latest(events[topic.topic]),
                name=topic.table,
                primary_key="idempotency_key",
                write_disposition={"disposition": "merge", "strategy": "upsert"},
                table_format="iceberg",
            )
            for topic in plan.topics
        ]
        started = time.perf_counter()
        pipeline.run(resources).raise_on_failed_jobs()
        return time.perf_counter() - started

    say(f"dlt, history: {load(read_events(plan, range(history))):.1f} s")
    seconds = load(read_events(plan, range(history, history + 1)))
    say(f"dlt, the next cycle: {seconds:.1f} s")
    check(lake, plan, history)
    answer({"seconds": seconds})


def check(lake: Path, plan: Plan, history: int) -> None:
    """Checks that dlt did the same work: each record of a topic is there once, with the message that won."""
    from pyiceberg.table import StaticTable

    events = read_events(plan, range(history + 1))
    for topic in plan.topics[:: max(1, len(plan.topics) // _READ_WHOLE)]:
        [rows] = latest(events[topic.topic])
        wanted = {row["idempotency_key"]: row["message_id"] for row in rows}
        newest = max((lake / "events" / topic.table / "metadata").glob("*.metadata.json"))
        table = StaticTable.from_metadata(str(newest)).scan(selected_fields=_CHECKED).to_arrow()
        keys, ids = (table[name].to_pylist() for name in _CHECKED)
        if len(keys) != len(wanted) or dict(zip(keys, ids, strict=True)) != wanted:
            sys.exit(f"{topic.topic}: dlt has {len(keys)} rows, not the {len(wanted)} that there should be")


if __name__ == "__main__":
    main()
