"""The comparison with the usual way: one topic after another, its new rows of RAW go through from_json and
one MERGE INTO.

`compare_merge.py PLAN BEFORE AFTER SAMPLE`, where BEFORE and AFTER are snapshots of RAW, and SAMPLE is the
number of topics. There is one layer only, and all columns are text. Its tables are made by Standardized's DDL
and have the same history. Prints `{"sample", "seconds"}`.
"""

import sys
import time

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from bench_plan import Field, Plan, Topic, answer, read_plan, say
from bench_spark import BENCH, DATABASE, bench_spark, events_until, new_events
from emulator.athena.sql import plan as translate

_WARM_UP = 2
_TIMES = ("event_time", "produced_at", "received_at", "ingested_at")
_ENVELOPE = ("message_id", "idempotency_key", *_TIMES)


def payload_type(fields: tuple[Field, ...]) -> str:
    """Returns the DDL type of the payload: structs of texts, as deep as the fields are."""
    members: dict[str, list[str]] = {}
    for field in fields:
        members.setdefault(field.path[0], []).extend(field.path[1:])
    kinds = {
        name: f"struct<{','.join(f'{one}:string' for one in inner)}>" if inner else "string"
        for name, inner in members.items()
    }
    return f"struct<{','.join(f'{name}:{kind}' for name, kind in kinds.items())}>"


def parsed(events: DataFrame, topic: Topic) -> DataFrame:
    """Returns the latest version of each record, as rows of the table."""
    own = events.where(F.col("topic_name") == topic.topic)
    newest = Window.partitionBy("idempotency_key").orderBy(F.desc("produced_at"), F.desc("message_id"))
    rows = own.withColumn("place", F.row_number().over(newest)).where("place = 1")
    rows = rows.withColumn("json", F.from_json("payload", payload_type(topic.fields)))

    def text(name: str) -> Column:
        return F.date_format(name, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'") if name in _TIMES else F.col(name)

    return rows.select(
        *(text(name).alias(name) for name in _ENVELOPE),
        F.lit("0").alias("cycle_id"),
        F.lit(None).cast("string").alias("rescued_data"),
        *(F.col(f"json.{'.'.join(field.path)}").alias(field.column) for field in topic.fields),
    )


def prepare(spark: SparkSession, plan: Plan, topic: Topic, history: DataFrame) -> None:
    ddl = topic.ddl["standardized"].replace(plan.database("standardized"), BENCH)
    spark.sql(translate(ddl, "default").sql)
    parsed(history, topic).writeTo(f"{DATABASE}.{topic.table}").append()


def merge(spark: SparkSession, topic: Topic, events: DataFrame) -> None:
    parsed(events, topic).createOrReplaceTempView("changes")
    spark.sql(
        f"MERGE INTO {DATABASE}.{topic.table} t USING changes s ON t.idempotency_key = s.idempotency_key "
        "WHEN MATCHED AND s.produced_at > t.produced_at THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )


def main() -> None:
    plan = read_plan(sys.argv[1])
    before, after = sys.argv[2:4]
    size = max(1, min(int(sys.argv[4]), len(plan.topics) - _WARM_UP))
    step = len(plan.topics) // (size + _WARM_UP) or 1
    chosen = plan.topics[::step][: size + _WARM_UP]
    warm_up, sample = chosen[:-size], chosen[-size:]
    with bench_spark(plan) as spark:
        history = events_until(spark, plan, before)
        for topic in chosen:
            prepare(spark, plan, topic, history)
        say(f"merge: the history of {len(chosen)} topics is there")
        for topic in warm_up:
            merge(spark, topic, new_events(spark, plan, before, after))
        started = time.perf_counter()
        for topic in sample:
            merge(spark, topic, new_events(spark, plan, before, after))
        seconds = time.perf_counter() - started
        for topic in chosen:
            check(spark, plan, topic)
    say(f"merge: {seconds / size:.2f} s a topic")
    answer({"sample": size, "seconds": seconds})


def check(spark: SparkSession, plan: Plan, topic: Topic) -> None:
    """Checks that MERGE did the same work: it has Standardized's records, each with the same message."""
    ours = spark.table(f"glue_catalog.{plan.database('standardized')}.{topic.table}")
    theirs = spark.table(f"{DATABASE}.{topic.table}")
    keys = ("idempotency_key", "message_id")
    if (
        ours.count() != theirs.count()
        or not ours.select(*keys).exceptAll(theirs.select(*keys)).limit(1).isEmpty()
    ):
        sys.exit(f"{topic.topic}: MERGE and the cycle do not agree on the rows")


if __name__ == "__main__":
    main()
