"""The Spark jobs' verdict on each row of the table, from the payload's text on. ajv's verdict on the same
table is in packages/common/tests/core/verdicts.test.ts."""

import json
from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import pytest
from lake import Event
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from verdict_table import CASES, CRITICAL, FIELDS, OTHERS, Row, Rules, Topic

from lean_ops.curate import NULLED, REJECTED, judge, versions_of_delta, versions_of_standardized
from lean_ops.flatten_batches import DELTA_SCHEMA, flatten_events
from lean_ops.standardize import standardized_rows

_RAW = (
    "topic_name string, message_id string, idempotency_key string, event_time timestamp_ntz, "
    "produced_at timestamp_ntz, received_at timestamp_ntz, ingested_at timestamp_ntz, payload string, "
    "source_message_id string, payload_sha256 string, trace_id string, envelope_issues string"
)


class Verdict(NamedTuple):
    """texts, values: by column, what was flattened and what goes to Curated."""

    rules: Rules
    disposition: str | None
    texts: dict[str, str | None]
    values: dict[str, str | None]


def _judged(delta: DataFrame, topic: Topic) -> DataFrame:
    versions = versions_of_delta(delta.where(F.col("topic_name") == topic.name))
    columns = [field.column for field in topic.schema.fields]
    values = F.struct(*(F.col(f"value.`{name}`").cast("string").alias(name) for name in columns))
    return judge(versions, topic.schema).select(
        "topic_name",
        F.col("message_id").cast("int").alias("n"),
        "disposition",
        F.to_json("violations").alias("violations"),
        F.to_json("columns").alias("texts"),
        F.to_json(values).alias("values"),
    )


def _delta(session, topics: Sequence[Topic]) -> DataFrame:
    """All rows as the Standardized job flattens them: one pass, and then read for each topic."""
    events = [
        Event(row.payload, topic=topic.name, message_id=str(n)).row()
        for topic in topics
        for n, row in enumerate(topic.rows)
    ]
    flat = flatten_events(session.createDataFrame(events, _RAW), "20261123T000001Z-0a1b2c3d", {})
    return session.createDataFrame(flat.collect(), DELTA_SCHEMA)


def _verdicts(session, topics: Sequence[Topic]) -> list[tuple[Topic, Row, Verdict]]:
    delta = _delta(session, topics)
    judged = [_judged(delta, topic) for topic in topics]
    found = {
        (row["topic_name"], row["n"]): Verdict(
            {(one["column"], one["rule"]) for one in json.loads(row["violations"])},
            row["disposition"],
            json.loads(row["texts"]),
            json.loads(row["values"]),
        )
        for row in reduce(DataFrame.unionAll, judged).collect()
    }
    return [(topic, row, found[topic.name, n]) for topic in topics for n, row in enumerate(topic.rows)]


@pytest.fixture(scope="module")
def verdicts(job_session):
    return _verdicts(job_session, [FIELDS, CRITICAL, *OTHERS])


def _missing(topic: Topic, verdict: Verdict) -> Rules:
    """What x-cde adds, where a case is about an optional field: it has to be there."""
    return {
        (name, "required")
        for name in topic.properties
        if verdict.texts.get(name) is None and (name, "type") not in verdict.rules
    }


def test_there_are_as_many_cases_as_rows():
    assert sum(len(topic.rows) for topic in (FIELDS, *OTHERS)) == CASES >= 200


def test_each_row_breaks_the_rules_that_the_table_says(verdicts):
    expected = {
        (topic.name, row.label): row.rules | (_missing(topic, verdict) if topic is CRITICAL else set())
        for topic, row, verdict in verdicts
    }
    wrong = {
        (topic.name, row.label): (verdict.rules, expected[topic.name, row.label])
        for topic, row, verdict in verdicts
        if verdict.rules != expected[topic.name, row.label]
    }
    assert wrong == {}


def test_a_critical_field_rejects_the_row_and_another_one_is_nulled(verdicts):
    wrong = {}
    for topic, row, verdict in verdicts:
        critical = {field.column for field in topic.schema.fields if field.cde}
        broken = {column for column, _ in verdict.rules}
        expected = REJECTED if broken & critical else NULLED if broken else None
        if verdict.disposition != expected:
            wrong[topic.name, row.label] = (verdict.disposition, expected)
    assert wrong == {}


def test_a_value_is_null_where_it_broke_a_rule_and_there_otherwise(verdicts):
    wrong = {}
    for topic, row, verdict in verdicts:
        broken = {column for column, _ in verdict.rules}
        for field in topic.schema.fields:
            is_null = verdict.values.get(field.column) is None
            if is_null != (field.column in broken or verdict.texts.get(field.column) is None):
                wrong[topic.name, row.label] = (field.column, verdict.values.get(field.column))
    assert wrong == {}


def test_a_back_fill_from_standardized_says_the_same(job_session):
    """There every column that any event had is in every row, as NULL."""
    topic = next(one for one in OTHERS if one.rows[0].label.startswith("object and member required"))
    delta = _delta(job_session, [topic])
    columns = sorted({name for row in delta.select(F.map_keys("columns")).collect() for name in row[0]})
    table = standardized_rows(delta, columns, overflow=False)
    judged = judge(versions_of_standardized(table, topic.name), topic.schema)
    found = {
        int(row["message_id"]): {(one["column"], one["rule"]) for one in row["violations"]}
        for row in judged.select("message_id", "violations").collect()
    }
    assert found == {n: row.rules for n, row in enumerate(topic.rows)}
