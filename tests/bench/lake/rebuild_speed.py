"""Times a cycle of many rows of one topic, and then a rebuild of them from RAW: ROWS → a line of JSON.

Both run in one process, on the same tables. What is measured first also warms the JVM up, so a small topic
goes through all of it before.
"""

import sys
from datetime import UTC, datetime

from speed import print_measured, seconds

# isort: split
from lake import Event, Lake
from maintained import MemoryOperations
from operated import operate

_NOW = datetime(2026, 11, 30, 6, 26, tzinfo=UTC)
_FIELDS = {
    "temperature": {"type": "number"},
    "humidity": {"type": "integer"},
    "site": {"type": "string"},
    "at": {"type": "string", "format": "date-time"},
}
_BATCH = 50_000


def deliver(lake: Lake, topic: str, rows: int) -> None:
    for first in range(0, rows, _BATCH):
        lake.deliver(
            *(
                Event(
                    {
                        "temperature": n / 7,
                        "humidity": n,
                        "site": f"site {n % 90}",
                        "at": "2026-11-23T10:00:00Z",
                    },
                    topic,
                    f"m{n}",
                    produced=n % 80_000,
                    event=n % 80_000,
                )
                for n in range(first, min(first + _BATCH, rows))
            )
        )


def measure(lake: Lake, topic: str, rows: int) -> dict[str, float]:
    lake.activate(topic, 1, _FIELDS, x_event_time_stable=True)
    deliver(lake, topic, rows)
    name = lake.next_cycle()

    def cycle() -> None:
        for run in (lake.standardize, lake.curate):
            assert run(cycle_id=name).trouble() is None

    found = {"rows": rows, "cycle_seconds": seconds(cycle)}
    operations = MemoryOperations()
    operation_id = f"20261130T062500Z-rebuild-{rows:06x}"
    operations.add(operation_id, topic, step="BUILDING", plan={"from": "raw"})
    found["build_seconds"] = seconds(lambda: operate(lake, operations, operation_id, at=_NOW))
    lake.hold(topic)
    operations.items[operation_id]["step"] = "DRAINED"
    found["swap_seconds"] = seconds(lambda: operate(lake, operations, operation_id, at=_NOW))
    counts = operations.items[operation_id]["counts"]
    assert counts["curated_rows_after"] == counts["standardized_rows_after"] == rows, counts
    return found


if __name__ == "__main__":
    print_measured(measure, int(sys.argv[1]))
