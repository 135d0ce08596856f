"""Times a cycle whose schema rejects all of ROWS messages, the queries of `errors top` and of a dry `errors
replay`, the replay under a mended schema, and a cycle that takes as many: ROWS → a line of JSON.

The queries are the commands' own statements, translated for Spark and run as the local Athena does it.

All runs are in one process, whose JVM has warmed up by a small topic. Its tables are in a folder of the local
disk, so there is no latency of a store in it.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from speed import print_measured, seconds

# isort: split
from lake import Event, Lake
from rewound import Operator
from spark_tests import as_athena

from emulator.athena.sql import plan

ROOT = Path(__file__).parents[3]
UNTIL, LATER = "2090-01-01T00:00:00+00:00", datetime(2090, 1, 2, tzinfo=UTC)


def fields(maximum: int) -> dict[str, Any]:
    return {"temperature": {"type": "number", "x-cde": True, "maximum": maximum}, "room": {"type": "string"}}


def statements(requests: Sequence[dict[str, Any]]) -> list[str]:
    """The statements of `lean-ops errors`, as tests/glue/support/error_statements.ts writes them."""
    command = ["node", "--import", "tsx", "tests/glue/support/error_statements.ts"]
    ran = subprocess.run(
        command, input=json.dumps(requests), capture_output=True, text=True, check=True, cwd=ROOT
    )
    found: list[str] = json.loads(ran.stdout)
    return found


def time_queries(lake: Lake, topic: str, rows: int) -> dict[str, float]:
    """Seconds of the query of `errors top`, and of those by which a replay is planned."""
    table = topic.replace(".", "_")
    selection = {"topic": topic, "until": UNTIL}
    judged = {"schema": lake.active_schemas[topic], "tableName": table, "hasCurated": True}
    top = {"state": "open", "limit": 10, "ignored": [], "now": LATER.isoformat()}
    requests = [{"top": top}, {"selection": selection}, {"selection": selection, "judged": judged}]
    asked = statements([{"prefix": lake.prefix, **one} for one in requests])
    answers: list[list[Any]] = []

    def ask(sql: str) -> None:
        planned = plan(sql, f"{lake.prefix}_ops").sql
        answers.append([tuple(row) for row in lake.spark.sql(planned).collect()])

    with as_athena(lake.spark):
        taken = [seconds(partial(ask, sql)) for sql in asked]
    _, selected, verdict = answers
    assert [row[4] for row in selected] == [rows], selected
    assert ("rows", str(rows)) in [(row[0], str(row[1])) for row in verdict], verdict
    return {"top_seconds": taken[0], "plan_seconds": taken[1] + taken[2]}


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
    found |= time_queries(lake, topic, rows)
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
