"""The floor of the comparison: the same new rows of RAW are flattened by the pipeline's own code, and all are
appended to one table.

`compare_floor.py PLAN BEFORE AFTER`, where BEFORE and AFTER are snapshots of RAW. Prints `{"seconds"}`, the
median of three rounds.
"""

import statistics
import sys
import time

from bench_plan import answer, read_plan, say
from bench_spark import DATABASE, bench_spark, new_events
from lean_ops.payload.flatten_batches import flatten_events

_ROUNDS = 3
_WARM_UP_ROWS = 200


def main() -> None:
    plan = read_plan(sys.argv[1])
    before, after = sys.argv[2:4]
    table = f"{DATABASE}.floor"
    seconds = []
    with bench_spark(plan) as spark:
        events = new_events(spark, plan, before, after)
        flatten_events(events.limit(_WARM_UP_ROWS), "0", {}).writeTo(table).using("iceberg").create()
        for number in range(_ROUNDS):
            started = time.perf_counter()
            flatten_events(events, "0", {}).writeTo(table).append()
            seconds.append(time.perf_counter() - started)
            say(f"floor, {number + 1} of {_ROUNDS}: {seconds[-1]:.1f} s")
        count = events.count()
        rows, wanted = spark.table(table).count(), _ROUNDS * count + min(count, _WARM_UP_ROWS)
    if rows != wanted:
        sys.exit(f"the floor's table has {rows} rows, not {wanted}")
    answer({"seconds": statistics.median(seconds)})


if __name__ == "__main__":
    main()
