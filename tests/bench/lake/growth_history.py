"""Writes topics' history into both layers: `growth_history.py PLAN ROWS NUMBER:DAYS…`. Prints `{"rows"}`.

The tables look as they do after months and compaction: one commit, one file for each day and partition, and
rows in the order of time. Each commit carries the checkpoint of the cycle that the table took last, so that
the jobs go on from there.
"""

import sys
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from bench_plan import Field, Plan, answer, read_plan, say
from bench_spark import bench_spark
from growth_events import DAY_US, GrowthEvents

_COUNTS = "lean-ops.counts"
_LAYERS = ("standardized", "curated")
_CYCLE = "20261101T000000Z-00000000"
"""A cycle id that sorts before any cycle of a benchmark."""

# {n} stands for a number below a million that looks random.
_TEXTS = {
    "device": "device",
    "measured": "date_format(at, \"yyyy-MM-dd'T'HH:mm:ss.SSS'Z'\")",
    "text": "concat('note ', {n} % 10000, ' of line ', {n} % 13)",
    "integer": "string({n} % 100000)",
    "number": "string(cast({n} / 1000 as decimal(10,3)))",
    "decimal": "string(cast({n} % 10000 / 100 as decimal(10,2)))",
    "boolean": "string({n} % 2 = 1)",
    "time": "concat(date_format(at, \"yyyy-MM-dd'T'\"), lpad({n} % 24, 2, '0'), ':00:00Z')",
    "enum": "element_at(array('OK', 'WARN', 'FAIL'), int({n} % 3) + 1)",
    "serial": "concat('SN-', lpad({n}, 6, '0'))",
}


def standardized(spark: SparkSession, made: GrowthEvents, fields: tuple[Field, ...]) -> DataFrame:
    """Returns rows of the Standardized table, all text. Each partition of the frame is a day, so each file is
    one too."""
    day, place = f"(id div {made.rows})", f"(id % {made.rows})"
    rows = spark.range(0, made.total, 1, made.days).selectExpr(
        "id",
        f"concat('dev-', lpad((id * 7919 + {made.seed}) % 997, 3, '0')) AS device",
        f"timestamp_micros({made.first_day_us} + {day} * {DAY_US} + {place} * {made.step_us}) AS at",
    )

    def text(time: str) -> str:
        return f"date_format({time}, \"yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'\")"

    arrived = "at + INTERVAL 5 SECONDS"
    return rows.selectExpr(
        f"md5(concat('{made.topic}', '|{made.mark}', id, '|0')) AS message_id",
        f"concat('{made.mark}', device, '|', lpad(id, 9, '0')) AS idempotency_key",
        f"{text('at')} AS event_time",
        f"{text('at + INTERVAL 1 SECOND')} AS produced_at",
        f"{text(arrived)} AS received_at",
        f"{text(arrived)} AS ingested_at",
        f"'{_CYCLE}' AS cycle_id",
        "cast(null AS string) AS rescued_data",
        *(
            f"{_TEXTS[field.kind].format(n=f'pmod(xxhash64(id, {at}), 1000000)')} AS `{field.column}`"
            for at, field in enumerate(fields)
        ),
    )


def curated(rows: DataFrame, table: DataFrame) -> DataFrame:
    """Returns the same rows in the types of the Curated table."""
    columns = []
    for field in table.schema.fields:
        kind = field.dataType.simpleString()
        text = F.lit(1) if field.name == "schema_version" else F.col(field.name)
        if kind == "timestamp_ntz":
            # A timestamp without a zone is cast from a text without one.
            text = F.regexp_replace(text, "Z$", "")
        columns.append(text.cast(kind).alias(field.name))
    return rows.select(*columns)


def checkpoint(spark: SparkSession, table: str) -> dict[str, str]:
    """Returns the checkpoint that the table's last commit carries, without the counts of that commit."""
    latest = spark.sql(f"SELECT summary FROM {table}.snapshots ORDER BY committed_at DESC LIMIT 1").collect()
    summary = latest[0]["summary"]
    found = {name: value for name, value in summary.items() if name.startswith("lean-ops.")}
    if found.pop(_COUNTS, None) is None:
        sys.exit(f"{table} has taken no cycle yet")
    return found


def append(spark: SparkSession, rows: DataFrame, table: str) -> None:
    writer: Any = rows.select(*spark.table(table).columns).writeTo(table).option("distribution-mode", "none")
    for name, value in checkpoint(spark, table).items():
        writer = writer.option(f"snapshot-property.{name}", value)
    writer.append()


def write(spark: SparkSession, plan: Plan, made: GrowthEvents, number: int) -> None:
    topic = plan.topics[number]
    rows = standardized(spark, made, topic.fields)
    texts, typed = (f"glue_catalog.{plan.database(layer)}.{topic.table}" for layer in _LAYERS)
    append(spark, rows, texts)
    append(spark, curated(rows, spark.table(typed)), typed)
    say(f"{topic.topic}: {made.total} rows on {made.days} days")


def main() -> None:
    plan, rows = read_plan(sys.argv[1]), int(sys.argv[2])
    total = 0
    with bench_spark(plan) as spark:
        for pair in sys.argv[3:]:
            number, days = (int(part) for part in pair.split(":"))
            made = GrowthEvents(plan.topics[number], days, rows)
            write(spark, plan, made, number)
            total += made.total
    answer({"rows": total})


if __name__ == "__main__":
    main()
