"""Times a cycle whose schema rejects all of ROWS messages, their replay under a mended one, and a cycle that
takes as many: ROWS → a line of JSON.

All runs are in one process, whose JVM has warmed up by a small topic. Its tables are in a folder of the local
disk, so there is no latency of a store in it.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

_TESTS = Path(__file__).parents[2]
_GLUE = str(Path(sys.prefix) / "glue-packages")
_SCRIPTS = _TESTS.parent / "scripts"
for _folder in (_TESTS / "glue" / "support", _SCRIPTS / "local", _SCRIPTS / "glue"):
    sys.path.insert(0, str(_folder))
sys.path.insert(0, _GLUE)
os.environ["PYTHONPATH"] = os.pathsep.join([_GLUE, str(_SCRIPTS / "glue")])

from lake import Event, Lake  # noqa: E402
from rewound import Operator  # noqa: E402
from spark_tests import start_spark  # noqa: E402

from lean_ops.spark.session import activate, open_session  # noqa: E402

UNTIL, LATER = "2090-01-01T00:00:00+00:00", datetime(2090, 1, 2, tzinfo=UTC)


def fields(maximum: int) -> dict[str, Any]:
    return {"temperature": {"type": "number", "x-cde": True, "maximum": maximum}, "room": {"type": "string"}}


def seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


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
    operator = Operator(lake, now=LATER, number=rows)
    plan = {"until": UNTIL, "schema_version": 2, "rows": rows, "parse_rows": 0}
    operation = operator.begin("replay", topic, plan)
    found["replay_seconds"] = seconds(lambda: operator.run(operation))
    assert operator.operations.items[operation]["counts"]["replayed"] == rows
    deliver(rows)
    found["cycle_seconds"] = seconds(cycle)
    assert lake.spark.table(lake.name(f"curated.{topic.replace('.', '_')}")).count() == 2 * rows
    return found


def main(rows: int) -> None:
    with TemporaryDirectory() as folder:
        # As the jobs have it, and not as the tests, whose queries are too small to be compiled.
        compiled = {
            "spark__sql__codegen__wholeStage": "true",
            "spark__sql__codegen__factoryMode": "FALLBACK",
        }
        spark = start_spark(Path(folder), **compiled)
        session = open_session("replay-speed")
        activate(session)
        lake = Lake(session, "bench")
        measure(lake, "warm.up", 1_000)
        print(json.dumps(measure(lake, "many.errors", rows)), flush=True)
        spark.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]))
