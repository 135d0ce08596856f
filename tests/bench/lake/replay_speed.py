"""Times a cycle whose schema rejects all of ROWS messages, their replay under a mended one, and a cycle that
takes as many: ROWS → a line of JSON.

All runs are in one process, whose JVM has warmed up by a small topic. Its tables are in a folder of the local
disk, so there is no latency of a store in it.
"""

import sys
from datetime import UTC, datetime
from typing import Any

from speed import print_measured, seconds

# isort: split
from lake import Event, Lake
from rewound import Operator

UNTIL, LATER = "2090-01-01T00:00:00+00:00", datetime(2090, 1, 2, tzinfo=UTC)


def fields(maximum: int) -> dict[str, Any]:
    return {"temperature": {"type": "number", "x-cde": True, "maximum": maximum}, "room": {"type": "string"}}


def measure(lake: Lake, topic: str, rows: int) -> dict[str, float]:
    def deliver(first: int) -> None:
        lake.deliver(
            *(
                Event({"temperature": 70 + n % 20, "room": f"r{n % 50}"}, topic, f"m{n}")
                for n in range(first, first + rows)
            )
        )

    def cycle() -> None:
        name = lake.next_cycle()
        for run in (lake.standardize, lake.curate):
            assert run(cycle_id=name).trouble() is None

    lake.activate(topic, 1, fields(60))
    deliver(0)
    found = {"rows": rows, "rejecting_seconds": seconds(cycle)}
    lake.activate(topic, 2, fields(90))
    # The ids of operations are made of the number, and two topics have one each.
    operator = Operator(lake, now=LATER, number=rows + len(topic))
    plan = {"until": UNTIL, "schema_version": 2, "rows": rows, "parse_rows": 0}
    operation = operator.begin("replay", topic, plan)
    found["replay_seconds"] = seconds(lambda: operator.run(operation))
    assert operator.operations.items[operation]["counts"]["replayed"] == rows
    deliver(rows)
    found["cycle_seconds"] = seconds(cycle)
    assert lake.spark.table(lake.name(f"curated.{topic.replace('.', '_')}")).count() == 2 * rows
    return found


if __name__ == "__main__":
    print_measured(measure, int(sys.argv[1]))
