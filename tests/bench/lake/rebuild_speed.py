"""Times a cycle of many rows of one topic, and then a rebuild of them from RAW: ROWS → a line of JSON.

Both run in one process, on the same tables. What is measured first also warms the JVM up, so a small topic
goes through all of it before.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

_TESTS = Path(__file__).parents[2]
_GLUE = str(Path(sys.prefix) / "glue-packages")
_SCRIPTS = _TESTS.parent / "scripts"
for _folder in (_TESTS / "glue" / "support", _SCRIPTS / "local", _SCRIPTS / "glue"):
    sys.path.insert(0, str(_folder))
sys.path.insert(0, _GLUE)
os.environ["PYTHONPATH"] = os.pathsep.join([_GLUE, str(_SCRIPTS / "glue")])

from lake import Event, Lake  # noqa: E402
from maintained import MemoryOperations  # noqa: E402
from operated import operate  # noqa: E402
from spark_tests import start_spark  # noqa: E402

from lean_ops.spark.session import activate, open_session  # noqa: E402

_NOW = datetime(2026, 11, 30, 6, 26, tzinfo=UTC)
_FIELDS = {
    "temperature": {"type": "number"},
    "humidity": {"type": "integer"},
    "site": {"type": "string"},
    "at": {"type": "string", "format": "date-time"},
}
_BATCH = 50_000


def seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


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


def main(rows: int) -> None:
    with TemporaryDirectory() as folder:
        # As the jobs have it, and not as the tests, whose queries are too small to be compiled.
        compiled = {
            "spark__sql__codegen__wholeStage": "true",
            "spark__sql__codegen__factoryMode": "FALLBACK",
        }
        spark = start_spark(Path(folder), **compiled)
        session = open_session("rebuild-speed")
        activate(session)
        lake = Lake(session, "bench")
        measure(lake, "warm.up", 1_000)
        print(json.dumps(measure(lake, "many.rows", rows)), flush=True)
        spark.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]))
