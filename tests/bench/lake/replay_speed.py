"""How long a replay of many errors takes, beside a cycle of as many messages.

    python tests/bench/lake/replay_speed.py ROWS

makes a topic whose schema rejects all of so many messages, mends the schema, replays them, and prints the
seconds of each part. Its tables are in a folder of the local disk, so there is no latency of a store in it.
"""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

_ROOT = Path(__file__).parents[3]
sys.path[:0] = [
    str(Path(sys.prefix) / "glue-packages"),
    *(str(_ROOT / one) for one in ("tests/glue/support", "scripts/glue", "scripts/local")),
]

from lake import Event, Lake  # noqa: E402
from rewound import Operator  # noqa: E402
from spark_tests import start_spark  # noqa: E402

from lean_ops.spark.session import activate, open_session  # noqa: E402

TOPIC = "telemetry.climate"
UNTIL, LATER = "2090-01-01T00:00:00+00:00", datetime(2090, 1, 2, tzinfo=UTC)


def fields(maximum: int) -> dict[str, Any]:
    return {"temperature": {"type": "number", "x-cde": True, "maximum": maximum}, "room": {"type": "string"}}


def timed(name: str, work: Callable[[], Any]) -> Any:
    began = time.monotonic()
    result = work()
    print(f"{name:34} {time.monotonic() - began:6.1f} s", flush=True)
    return result


def cycle(lake: Lake) -> None:
    name = lake.next_cycle()
    for run in (lake.standardize, lake.curate):
        trouble = run(cycle_id=name).trouble()
        assert trouble is None, trouble


def main(rows: int) -> None:
    with TemporaryDirectory() as folder:
        # As the jobs have it, and not as the tests, whose queries are too small to be compiled.
        compiled = {
            "spark__sql__codegen__wholeStage": "true",
            "spark__sql__codegen__factoryMode": "FALLBACK",
        }
        start_spark(Path(folder), **compiled)
        session = open_session("replay-speed")
        activate(session)
        lake = Lake(session, "speed")

        def deliver(first: int) -> None:
            lake.deliver(
                *(
                    Event({"temperature": 70 + n % 20, "room": f"r{n % 50}"}, message_id=f"m{n}")
                    for n in range(first, first + rows)
                )
            )

        lake.activate(TOPIC, 1, fields(60))
        deliver(0)
        timed(f"cycle that rejects {rows} messages", lambda: cycle(lake))
        lake.activate(TOPIC, 2, fields(90))
        operator = Operator(lake, now=LATER)
        plan = {"until": UNTIL, "schema_version": 2, "rows": rows, "parse_rows": 0}
        counts = timed("replay of all of them", lambda: operator.run(operator.begin("replay", TOPIC, plan)))
        assert counts["replayed"] == rows, counts
        deliver(rows)
        timed("cycle that takes as many", lambda: cycle(lake))
        found = lake.spark.table(lake.name("curated.telemetry_climate")).count()
        assert found == 2 * rows, found


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
