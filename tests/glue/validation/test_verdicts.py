"""The pipeline's verdict on each row of the table of verdicts, from the payload's text on.

packages/common/tests/core/validation-sql/verdicts.test.ts has ajv's verdict on the same table.
"""

import json
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import NamedTuple

import pytest
from budget import budget
from flattened import columns_of, columns_with_opaque
from lake import Event
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from verdict_table import (
    CASES,
    CRITICAL,
    FIELDS,
    NORMAL_CRITICAL,
    NORMAL_FIELDS,
    NORMAL_OTHERS,
    OPAQUE_CRITICAL,
    OPAQUE_FIELDS,
    OTHERS,
    Row,
    Rules,
    Topic,
)

from lean_ops.curated.rows_spark import validate, versions_of_standardized
from lean_ops.payload.flatten_batches import flatten_events
from lean_ops.standardized.rows_spark import standardized_rows, with_columns
from lean_ops.validation.casts import Value
from lean_ops.validation.validator import NOTED, NULLED, REJECTED, RowValidator, violations_text

ALL_CRITICAL = (CRITICAL, NORMAL_CRITICAL, OPAQUE_CRITICAL)
TOPICS = [FIELDS, NORMAL_FIELDS, OPAQUE_FIELDS, *ALL_CRITICAL, *OTHERS, *NORMAL_OTHERS]
_flattened = [topic for topic in TOPICS if not topic.opaque]
IN_SPARK = budget(
    each_run=[topic for topic in _flattened if topic not in NORMAL_OTHERS or topic in NORMAL_OTHERS[::8]],
    thorough=_flattened,
)
"""The topics that go through Spark, which takes long to plan many: those whose objects become columns."""
_RAW = (
    "topic_name string, message_id string, idempotency_key string, event_time timestamp_ntz, "
    "produced_at timestamp_ntz, received_at timestamp_ntz, ingested_at timestamp_ntz, payload string, "
    "source_message_id string, payload_sha256 string, trace_id string, envelope_issues string"
)


class Verdict(NamedTuple):
    """A row's verdict. texts: column to the flattened text. values: column to the value that goes to
    Curated."""

    rules: Rules
    disposition: str | None
    texts: Mapping[str, str | None]
    values: Mapping[str, Value | None]


def _validated(topic: Topic) -> list[tuple[Topic, Row, Verdict]]:
    texts = [columns_with_opaque(row.payload, topic.opaque) for row in topic.rows]
    validated = RowValidator(topic.schema).validate_rows(texts)
    return [
        (
            topic,
            row,
            Verdict({(v.column, v.rule) for v in one.violations}, one.disposition, columns, one.values),
        )
        for row, columns, one in zip(topic.rows, texts, validated, strict=True)
    ]


@pytest.fixture(scope="module")
def verdicts():
    return [one for topic in TOPICS for one in _validated(topic)]


def _missing(topic: Topic, verdict: Verdict) -> Rules:
    """Returns what x-cde adds where a case is about an optional field: the field has to be there."""
    return {
        (name, "required")
        for name in topic.properties
        if verdict.texts.get(name) is None and (name, "type") not in verdict.rules
    }


def test_there_are_as_many_cases_as_rows():
    topics = (FIELDS, NORMAL_FIELDS, OPAQUE_FIELDS, *OTHERS, *NORMAL_OTHERS)
    assert sum(len(topic.rows) for topic in topics) == CASES >= 1_200


def test_each_row_breaks_the_rules_that_the_table_says(verdicts):
    expected = {
        (topic.name, row.label): row.rules | (_missing(topic, verdict) if topic in ALL_CRITICAL else set())
        for topic, row, verdict in verdicts
    }
    wrong = {
        (topic.name, row.label): (verdict.rules, expected[topic.name, row.label])
        for topic, row, verdict in verdicts
        if verdict.rules != expected[topic.name, row.label]
    }
    assert wrong == {}


def _is_of_object(topic: Topic, column: str, rule: str) -> bool:
    """Whether a rule is an assertion of an object, which is about no single column."""
    objects = {node.column for node in (topic.schema.root, *topic.schema.objects)}
    return column in objects and rule not in ("type", "required")


def test_a_critical_field_rejects_the_row_and_another_one_is_nulled(verdicts):
    """And what an object asserts is noted, unless it is about a critical field."""
    wrong = {}
    for topic, row, verdict in verdicts:
        critical = {field.column for field in topic.schema.fields if field.cde}
        asserted = {one for one in verdict.rules if _is_of_object(topic, *one)}
        broken = {column for column, _ in verdict.rules - asserted}
        rejects = bool(broken & critical) or (bool(asserted) and topic.rejects)
        expected = REJECTED if rejects else NULLED if broken else NOTED if asserted else None
        if verdict.disposition != expected:
            wrong[topic.name, row.label] = (verdict.disposition, expected)
    assert wrong == {}


def test_a_value_is_null_where_it_broke_a_rule_and_there_otherwise(verdicts):
    wrong = {}
    for topic, row, verdict in verdicts:
        broken = {column for column, _ in verdict.rules}
        for field in topic.schema.fields:
            is_null = verdict.values.get(field.column) is None
            is_absent = all(verdict.texts.get(column) is None for column in field.sources)
            if is_null != (field.column in broken or is_absent):
                wrong[topic.name, row.label] = (field.column, verdict.values.get(field.column))
    assert wrong == {}


def _delta(session, topics: Sequence[Topic]) -> DataFrame:
    """Returns all rows as the Standardized job flattens them, in one pass for all topics."""
    events = [
        Event(row.payload, topic=topic.name, message_id=str(n)).row()
        for topic in topics
        for n, row in enumerate(topic.rows)
    ]
    raw = session.createDataFrame(events, _RAW).coalesce(1)
    return flatten_events(raw, "20261123T000001Z-0a1b2c3d", {}).localCheckpoint()


def test_spark_gives_the_same_verdicts(job_session):
    """Validates the whole table in one Spark job, where each topic's values have a column of their own."""
    delta = _delta(job_session, IN_SPARK)
    validated = [
        validate(with_columns(delta.where(F.col("topic_name") == topic.name), {}), topic.schema).select(
            "topic_name", "message_id", "disposition", "violations", F.col("value").alias(f"value{n}")
        )
        for n, topic in enumerate(IN_SPARK)
    ]
    together = reduce(lambda all, one: all.unionByName(one, allowMissingColumns=True), validated)
    found = {(row["topic_name"], int(row["message_id"])): row for row in together.collect()}
    expected = {
        (topic.name, n): (number, verdict)
        for number, topic in enumerate(IN_SPARK)
        for n, verdict in enumerate(
            RowValidator(topic.schema).validate_rows([columns_of(row.payload) for row in topic.rows])
        )
    }
    assert found.keys() == expected.keys()
    for key, (number, verdict) in expected.items():
        row = found[key]
        assert row[f"value{number}"].asDict() == verdict.values, key
        assert row["disposition"] == verdict.disposition
        assert row["violations"] == (violations_text(verdict.violations) if verdict.violations else None)


def test_a_backfill_from_standardized_says_the_same(job_session):
    """In Standardized every column that any event had is in every row, as NULL."""
    topic = next(one for one in OTHERS if one.rows[0].label.startswith("object and member required"))
    delta = with_columns(_delta(job_session, [topic]), {})
    columns = sorted({name for row in delta.select(F.map_keys("columns")).collect() for name in row[0]})
    table = standardized_rows(delta, columns, overflow=False)
    validated = validate(versions_of_standardized(table, topic.name), topic.schema)
    found = {
        int(row["message_id"]): {
            (one["column"], one["rule"]) for one in json.loads(row["violations"] or "[]")
        }
        for row in validated.select("message_id", "violations").collect()
    }
    assert found == {n: row.rules for n, row in enumerate(topic.rows)}
