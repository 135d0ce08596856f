"""How long a rewind of both layers takes, and the cycle that takes all again.

    python tests/bench/lake/rewind_speed.py ROWS

makes a topic of so many rows by four cycles, takes it back to the first, and prints the seconds of each part.
Its tables are in a folder of the local disk, so there is no latency of a store in it.
"""

import sys
import time
from collections.abc import Callable
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

TOPIC, CYCLES = "telemetry.climate", 4
FIELDS = {"temperature": {"type": "number", "x-cde": True}, "room": {"type": "string"}}


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
        start_spark(Path(folder))
        session = open_session("rewind-speed")
        activate(session)
        lake = Lake(session, "speed")
        lake.activate(TOPIC, 1, FIELDS)
        for part in range(CYCLES):
            of_part = range(part, rows, CYCLES)
            lake.deliver(
                *(Event({"temperature": n / 7, "room": f"r{n % 50}"}, message_id=f"m{n}") for n in of_part)
            )
            timed(f"cycle of {len(of_part)} rows", lambda: cycle(lake))
        operator = Operator(lake)
        operation = timed(
            "rewind of both layers", lambda: operator.rewind(TOPIC, f"20261123T{1:06d}Z-0a1b2c3d")
        )
        counts = operator.operations.items[operation]["counts"]
        print(f"{counts['messages_waiting']} messages to take again")
        timed("cycle that takes all again", lambda: cycle(lake))
        for layer in ("standardized", "curated"):
            found = lake.spark.table(lake.name(f"{layer}.telemetry_climate")).count()
            assert found == rows, (layer, found)
        timed("undo", lambda: operator.undo(operation))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
