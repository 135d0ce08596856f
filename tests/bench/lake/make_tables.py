"""Makes the topics' tables from the pipeline's own DDL, as Athena on the stack would: `make_tables.py
PLAN`."""

import sys
from concurrent.futures import ThreadPoolExecutor

from bench_plan import answer, read_plan, say
from bench_spark import bench_spark
from emulator.athena.sql import plan as translate

_THREADS = 8


def main() -> None:
    plan = read_plan(sys.argv[1])
    statements = [translate(ddl, "default").sql for topic in plan.topics for ddl in topic.ddl.values()]
    with bench_spark(plan) as spark, ThreadPoolExecutor(_THREADS) as pool:
        for done, _ in enumerate(pool.map(spark.sql, statements), 1):
            if done % 100 == 0:
                say(f"{done} of {len(statements)} tables")
    answer({"tables": len(statements)})


if __name__ == "__main__":
    main()
