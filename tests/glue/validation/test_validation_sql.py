"""`lean-ops schema plan` validates rows by SQL in Athena, and the Curated job validates them in Python: on
the same rows both must agree on each rule of each row.

The SQL is Athena's and runs here as on the local stack. Trino itself has run it too:
docs/decisions/0012-schemas-against-data.md. It is made by packages/common/src/core/validation-sql, the twin
of scripts/glue/lean_ops/validation.
"""

import json
import random
import subprocess
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from budget import budget
from flattened import columns_with_opaque
from pyspark.sql import SparkSession
from spark_tests import as_athena
from verdict_table import (
    CRITICAL,
    FIELDS,
    NORMAL_CRITICAL,
    NORMAL_FIELDS,
    NORMAL_OTHERS,
    OPAQUE_CRITICAL,
    OPAQUE_FIELDS,
    OTHERS,
    Topic,
)

from emulator.athena.sql import plan
from lean_ops.columns import names
from lean_ops.payload.flatten_batches import DELTA_ARROW, DELTA_COLUMNS
from lean_ops.standardized.rows_arrow import standardized_table
from lean_ops.tables.table_files import Column
from lean_ops.validation.topic_schema import read_schema
from lean_ops.validation.validator import RowValidator

ROOT = Path(__file__).parents[3]
DATABASE = "validated"
ALL = 5_000
"""A number of samples so large that each row that breaks a rule is named."""
_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string", "minLength": 2, "maxLength": 5, "pattern": "^[^\\d.é]+$"},
    "word": {"type": "string", "enum": ["on", "it's", "a\\b", "1.0", "nul\0", "😀"]},
    "big": {"type": "integer", "minimum": -5, "exclusiveMaximum": 1000},
    "small": {"type": "integer", "x-type": "int", "enum": [0, 1, 5, -7], "x-cde": True},
    "double": {"type": "number", "minimum": -0.1, "maximum": 1e300},
    "float": {"type": "number", "x-type": "float", "exclusiveMinimum": 0.1},
    "money": {"type": "number", "x-type": "decimal(5,2)", "exclusiveMinimum": -0.005, "maximum": 99.994},
    "fine": {"type": "number", "x-type": "decimal(38,38)", "minimum": 1e-38},
    "wide": {"type": "number", "x-type": "decimal(38,0)", "maximum": 1e15},
    "flag": {"type": "boolean"},
    "day": {"type": "string", "format": "date"},
    "at": {"type": "string", "format": "date-time"},
    "list": {"type": "array"},
}


Texts = dict[str, str | None]
Keeps = Callable[[int, str], bool]
"""Whether the table had a column of this name when it took this row; else the value is in rescued_data."""


def in_columns(n: int, name: str) -> bool:
    return True


def in_rescued_data(n: int, name: str) -> bool:
    return False


def in_either(n: int, name: str) -> bool:
    """Stands for columns that came after some of the rows."""
    return zlib.crc32(f"{n} {name}".encode()) % 2 == 0


@dataclass(frozen=True)
class Table:
    """A Standardized table. rows: column to text for each row, wherever the table keeps it; the n-th row has
    the message_id n."""

    name: str
    columns: list[str]
    rescued: bool
    rows: list[Texts]


def _rows_of(topic: Topic) -> list[Texts]:
    return [columns_with_opaque(row.payload, topic.opaque) for row in topic.rows]


def _standardize(session: SparkSession, name: str, rows: list[Texts], keeps: Keeps = in_columns) -> Table:
    """Writes rows as the Standardized job would, to a table of the catalog."""
    at = datetime(2026, 11, 23, 10)
    taken = []
    for n, row in enumerate(rows):
        known = dict.fromkeys(DELTA_COLUMNS, "x") | dict.fromkeys(names.ENVELOPE_TIMES, at)
        known |= {"message_id": str(n), "columns": list(row.items()), "rescued_data": None}
        columns = [Column(name, 0, "string") for name in row if keeps(n, name)]
        delta = pa.Table.from_pylist([known], DELTA_ARROW)
        taken += standardized_table(delta, columns, overflow=True).to_pylist()
    payload = {name for n, row in enumerate(rows) for name in row if keeps(n, name)}
    columns = [*names.ENVELOPE_COLUMNS, *sorted(payload), names.RESCUED]
    frame = session.createDataFrame(
        [tuple(row.get(name) for name in columns) for row in taken],
        ", ".join(f"`{name}` string" for name in columns),
    )
    session.sql(f"CREATE NAMESPACE IF NOT EXISTS glue_catalog.{DATABASE}")
    frame.coalesce(1).writeTo(f"glue_catalog.{DATABASE}.{name}").createOrReplace()
    return Table(name, columns, any(row[names.RESCUED] for row in taken), rows)


def _typescript(script: str, request: Any) -> Any:
    command = ["node", "--import", "tsx", f"tests/glue/support/{script}.ts"]
    ran = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def _statements(requests: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    found: list[list[dict[str, Any]]] = _typescript("validation_sql", requests)
    return found


def _answer(session: SparkSession, sql: str) -> list[list[str | None]]:
    """Returns what Athena would answer: texts."""
    with as_athena(session):
        rows = session.sql(plan(sql, DATABASE).sql).collect()
    return [[None if value is None else str(value) for value in row] for row in rows]


_DISPOSITIONS = ("rejected", "nulled", "noted")
Found = dict[str, set[tuple[str, str]]]
"""message_id to the (column, rule) of everything that is wrong with it."""


def _by_sql(session: SparkSession, statement: dict[str, Any]) -> tuple[Found, dict[str, int]]:
    with as_athena(session):
        answer = session.sql(plan(statement["sql"], DATABASE).sql).collect()
    counts = {row["code"]: row["n"] for row in answer if not row["code"].isdigit()}
    found: Found = {}
    for row in answer:
        if row["code"].isdigit():
            ids = [bytes.fromhex(one.partition("|")[0]).decode() for one in row["samples"].split(",")]
            assert len(ids) == row["n"]
            rule = statement["rules"][int(row["code"])]
            for message_id in ids:
                found.setdefault(message_id, set()).add((rule["column"], rule["rule"]))
    return found, {name: counts.get(name, 0) for name in ("rows", *_DISPOSITIONS)}


def _by_job(table: Table, schema_text: str, topic: str) -> tuple[Found, dict[str, int]]:
    verdicts = RowValidator(read_schema(schema_text, topic)).validate_rows(table.rows)
    found = {
        str(n): {(one.column, one.rule) for one in verdict.violations}
        for n, verdict in enumerate(verdicts)
        if verdict.disposition is not None
    }
    dispositions = [verdict.disposition for verdict in verdicts]
    counts = {name: dispositions.count(name) for name in _DISPOSITIONS}
    return found, {"rows": len(verdicts), **counts}


def _differences(one: Found, other: Found) -> dict[str, Any]:
    return {
        key: (one.get(key, set()), other.get(key, set()))
        for key in sorted(one.keys() | other.keys())
        if one.get(key) != other.get(key)
    }


def _request(schema: str, table: Table, active: str | None = None) -> dict[str, Any]:
    return {
        "schema": schema,
        "active": active,
        "database": DATABASE,
        "table": table.name,
        "columns": table.columns,
        "rescued": table.rescued,
        "samples": ALL,
    }


def _schema_text(topic: str, properties: dict[str, Any], required: Sequence[str]) -> str:
    rest = {"required": list(required), "properties": properties}
    return json.dumps({"type": "object", "x-topic": topic, "x-version": 1, **rest})


def _schema_of(topic: Topic) -> str:
    text = _schema_text(topic.name, topic.properties, topic.required)
    return json.dumps(json.loads(text) | topic.root)


ALL_CRITICAL = (CRITICAL, NORMAL_CRITICAL, OPAQUE_CRITICAL)


def _of_table(
    topic: Topic, texts: list[Texts], unjudged: set[tuple[str, str]]
) -> tuple[Found, dict[str, int]]:
    """Returns what the table of verdicts says of each row by the rules that the SQL judges. test_verdicts
    holds the job to it."""
    critical = {field.column for field in topic.schema.fields if field.cde}
    objects = {node.column for node in (topic.schema.root, *topic.schema.objects)}
    found: Found = {}
    counts = dict.fromkeys(_DISPOSITIONS, 0)
    for n, row in enumerate(topic.rows):
        rules = set(row.rules)
        if topic in ALL_CRITICAL:
            absent = {name for name in topic.properties if texts[n].get(name) is None}
            rules |= {(name, "required") for name in absent if (name, "type") not in rules}
        rules -= unjudged
        # A text in brackets counts as JSON where what is inside is not judged.
        own = {name: texts[n].get(name) or "" for name, _ in unjudged}
        opaque = {name for name, text in own.items() if text[:1] + text[-1:] in ("[]", "{}")}
        rules -= {(name, "type") for name in opaque}
        if not rules:
            continue
        found[str(n)] = rules
        asserted = {(name, rule) for name, rule in rules if name in objects and rule not in _OF_ONE_PLACE}
        rejects = any(name in critical for name, _ in rules - asserted) or (bool(asserted) and topic.rejects)
        counts["rejected" if rejects else "nulled" if rules - asserted else "noted"] += 1
    return found, {"rows": len(topic.rows), **counts}


_OF_ONE_PLACE = ("type", "required")
"""The rules of an object that are about its place, and not about what is in it."""
_TOGETHER = [FIELDS, NORMAL_FIELDS, OPAQUE_FIELDS, *ALL_CRITICAL]
_ALONE = [*OTHERS, *NORMAL_OTHERS]
VERDICTS = {
    in_columns: budget(each_run=[*_TOGETHER, *OTHERS, *NORMAL_OTHERS[::8]], thorough=[*_TOGETHER, *_ALONE])
}
"""What a run asks of the table of verdicts, by where the values are. SQL takes long to plan, so the many
fields are asked about in columns only, as odd texts are in both."""
VERDICTS |= {
    where: budget(each_run=[*OTHERS[first::4], *NORMAL_OTHERS[first::16]], thorough=[*_TOGETHER, *_ALONE])
    for first, where in enumerate((in_rescued_data, in_either))
}


@pytest.mark.parametrize("keeps", VERDICTS, ids=lambda keeps: keeps.__name__)
def test_the_sql_says_what_the_table_of_verdicts_says(job_session, keeps):
    topics = VERDICTS[keeps]
    tables = [
        _standardize(job_session, f"verdicts{n}", _rows_of(topic), keeps) for n, topic in enumerate(topics)
    ]
    requests = [_request(_schema_of(one), table) for one, table in zip(topics, tables, strict=True)]
    for topic, table, (statement,) in zip(topics, tables, _statements(requests), strict=True):
        found, counts = _by_sql(job_session, statement)
        unjudged = {(one["column"], one["rule"]) for one in statement["unjudged"]}
        expected, expected_counts = _of_table(topic, table.rows, unjudged)
        wrong = {topic.rows[int(key)].label: pair for key, pair in _differences(found, expected).items()}
        assert wrong == {}, topic.name
        assert counts == expected_counts, topic.name


_SEEDS = [
    *[
        "on",
        "it's",
        "a\\b",
        "nul\0",
        "😀",
        "",
        "é",
        "12345",
        "[1,2]",
        "true",
        "false",
        "0",
        "-0",
        "5",
        "-7",
        "1e3",
    ],
    *[
        "999.99",
        "0.05",
        "-0.01",
        "1.1000",
        "1e-38",
        "0e99999999999",
        "1e400",
        "1e301",
        "-1e-400",
        "3.4028235e38",
        "1E+2",
    ],
    *["9223372036854775807", "-2147483648", "123456789012345678901234567890123456789", "0.1", "12.5e-1"],
    *["2026-11-23", "2024-02-29", "0001-01-01", "2026-11-23T10:00:00Z", "2016-12-31t18:59:60.25-05:00"],
    *[
        "9999-12-31T23:59:60Z",
        "0000-12-31T23:00:00-02:00",
        "9999-12-31 23:30:00.5+00:31",
        "0001-01-01T00:00:00+00:01",
    ],
]
_EDITS = [
    "",
    "0",
    "1",
    "9",
    "-",
    "+",
    ".",
    "e",
    "E",
    " ",
    "\n",
    "T",
    "Z",
    ":",
    "60",
    "\u2028",
    "٣",
    "[",
    "]",
    "😀",
]


def odd_texts(count: int) -> list[str]:
    """Returns values of every type and texts one or two edits away from them, the same each time."""
    chance = random.Random(20261123)
    texts = list(_SEEDS)
    while len(texts) < count:
        text = chance.choice(_SEEDS)
        for _ in range(chance.randint(1, 2)):
            at = chance.randint(0, len(text))
            text = text[:at] + chance.choice(_EDITS) + text[at + chance.randint(0, 1) :]
        texts.append(text)
    return texts


@pytest.mark.parametrize(("critical", "keeps"), [(False, in_columns), (True, in_either)])
def test_sql_and_job_agree_on_odd_texts(job_session, critical, keeps):
    texts = odd_texts(1_000)
    properties = {name: {**spec, "x-cde": critical} for name, spec in _TYPES.items()}
    topic = "odd.texts"
    schema = _schema_text(topic, properties, [])
    rows: list[Texts] = [dict.fromkeys(_TYPES, text) for text in texts]
    table = _standardize(job_session, f"odd_{critical}".lower(), rows, keeps)
    ((statement,),) = _statements([_request(schema, table)])
    found, counts = _by_sql(job_session, statement)
    expected, expected_counts = _by_job(table, schema, topic)
    assert {texts[int(key)]: pair for key, pair in _differences(found, expected).items()} == {}
    assert counts == expected_counts
    # Each rule of each column was broken by some text and kept by another.
    rules = {(one["column"], one["rule"]) for one in statement["rules"] if one["rule"] != "required"}
    strings = {(name, "type") for name in ("text", "word", "day", "at")}
    # No text is an object, which is what the type of a string is about.
    assert {rule for broken in found.values() for rule in broken} == rules - strings


_GOOD: Texts = {
    "text": "abc",
    "word": "on",
    "big": "5",
    "small": "1",
    "double": "0.5",
    "float": "0.5",
    "money": "1.10",
    "fine": "0.05",
    "wide": "12",
    "flag": "true",
    "day": "2026-11-23",
    "at": "2026-11-23T10:00:00Z",
    "list": "[1]",
}
"""A value for each of _TYPES."""
_SELDOM = ["meta", "meta__fw", "meta__level", "meta__other", "text__inner"]


def _rows_of_versions(chance: random.Random) -> list[Texts]:
    """Returns rows of good values, with some odd texts and some gaps."""
    texts = odd_texts(400)

    def row() -> Texts:
        values = {name: text for name, text in _GOOD.items() if chance.random() < 0.93}
        odd = {name: chance.choice(texts) for name in values if chance.random() < 0.05}
        seldom = {name: chance.choice([*texts, "{}"]) for name in _SELDOM if chance.random() < 0.15}
        return {**values, **odd, **seldom}

    return [row() for _ in range(150)]


def _field(chance: random.Random, name: str) -> dict[str, Any]:
    """Returns a rule for the field: its own type or another one, with some of that type's constraints."""
    own = chance.random() < 0.8
    spec = _TYPES[name if own else chance.choice(list(_TYPES))]
    kept = {key: value for key, value in spec.items() if key in ("type", "x-type", "format")}
    kept |= {key: value for key, value in spec.items() if key not in kept and chance.random() < 0.7}
    return {**kept, "x-cde": own and chance.random() < 0.3}


def _meta(chance: random.Random) -> dict[str, Any]:
    members: dict[str, Any] = {"fw": {"type": "string"}, "level": {"type": "integer", "maximum": 10}}
    names = [name for name in members if chance.random() < 0.7] or ["fw"]
    required = [name for name in names if chance.random() < 0.4]
    return {"type": "object", "required": required, "properties": {name: members[name] for name in names}}


def _next_version(chance: random.Random, properties: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields of a version that may keep, change, drop or add each of them."""
    changed = {**properties}
    for name in [*_TYPES, "meta"]:
        if name not in properties or chance.random() < 0.3:
            changed.pop(name, None)
            if chance.random() < 0.8:
                changed[name] = _meta(chance) if name == "meta" else _field(chance, name)
    return changed


def _version(chance: random.Random, properties: dict[str, Any]) -> str:
    required = [name for name in properties if chance.random() < 0.3]
    return _schema_text("two.versions", properties, required)


def _compared_by_job(table: Table, schema_text: str, active_text: str) -> dict[str, Any]:
    """Returns what the job says of the rows by both versions, as dataVerdict has it."""
    schema = read_schema(schema_text, "two.versions")
    after = RowValidator(schema).validate_rows(table.rows)
    before = RowValidator(read_schema(active_text, "two.versions")).validate_rows(table.rows)
    rows = list(zip(after, before, strict=True))
    critical = {field.column for field in schema.fields if field.cde}
    new_names = {name: field.column for field in schema.fields for name in field.sources}
    rules: dict[tuple[str, str], list[int]] = {}
    nulled_anew = 0
    for now, then in rows:
        broken_before = {new_names.get(one.column, one.column) for one in then.violations}
        passes = then.disposition != "rejected"
        news = {one.column for one in now.violations} - broken_before
        nulled_anew += now.disposition == "nulled" and passes and bool(news)
        for name in {(one.column, one.rule) for one in now.violations}:
            counts = rules.setdefault(name, [0, 0])
            counts[0] += 1
            counts[1] += passes and (name[0] in critical or name[0] in news)
    rejected = [(now.disposition == "rejected", then.disposition == "rejected") for now, then in rows]
    nulled, noted = (sum(now.disposition == one for now in after) for one in ("nulled", "noted"))
    return {
        "rows": len(rows),
        "rejected": sum(now for now, _ in rejected),
        "nulled": {"atLeast": nulled, "atMost": nulled},
        "noted": {"atLeast": noted, "atMost": noted},
        "unjudged": [],
        "change": {
            "rejectedToday": sum(then for _, then in rejected),
            "rejectedAnew": sum(now and not then for now, then in rejected),
            "accepted": sum(then and not now for now, then in rejected),
            "nulledAnew": {"atLeast": nulled_anew, "atMost": nulled_anew},
        },
        "broken": rules,
        "filled": {
            field.column
            for field in schema.fields
            if any(row.get(name) is not None for row in table.rows for name in field.sources)
        },
    }


_EACH_RUN = [(22, in_columns), (23, in_either)]
PAIRS = budget(
    each_run=_EACH_RUN, thorough=[*_EACH_RUN, *((n, in_either) for n in (4, 5, 8, 9, 14, 19, 20, 27))]
)
"""Seeds of pairs in which rows are rejected anew, rejected as today, and no longer rejected."""


@pytest.mark.parametrize(("seed", "keeps"), PAIRS)
def test_what_is_new_beside_the_schema_in_force_is_what_the_job_says_by_both(job_session, seed, keeps):
    """One statement validates the rows by two schemas; the job validates them twice."""
    chance = random.Random(seed)
    properties = _next_version(chance, {})
    active = _version(chance, properties)
    candidate = _version(chance, _next_version(chance, properties))
    rows = _rows_of_versions(chance)
    found, expected = _compared_both_ways(job_session, f"versions{seed}", active, candidate, rows, keeps)
    assert found == expected
    # A pair in which nothing is new, or nothing is known, would show little.
    assert 0 < expected["change"]["rejectedAnew"] < expected["rejected"]
    assert expected["change"]["accepted"] > 0
    assert expected["change"]["nulledAnew"]["atLeast"] > 0


_RENAMED = {"text": "words", "big": "sizes", "day": "meta__day", "small": "smaller"}
"""New names of fields, which stand before the other members."""


@pytest.mark.parametrize(("seed", "keeps"), budget(each_run=PAIRS[1:2], thorough=PAIRS))
def test_what_is_new_of_renamed_fields_is_what_the_job_says_by_both(job_session, seed, keeps):
    """Where the active schema has the former name of a field, its rules are those of the field."""
    chance = random.Random(seed)
    properties = _next_version(chance, {})
    active = _version(chance, properties)
    later = _next_version(chance, properties)
    renamed = {
        _RENAMED.get(name, name): {**spec, "x-renamed-from": [name, "gone"][: chance.randint(1, 2)]}
        if name in _RENAMED
        else spec
        for name, spec in later.items()
    }
    for spec in [spec for name, spec in renamed.items() if "gone" in spec.get("x-renamed-from", [])][1:]:
        spec["x-renamed-from"] = spec["x-renamed-from"][:1]
    rows = [
        {
            new if (new := _RENAMED.get(name, name)) != name and chance.random() < 0.4 else name: text
            for name, text in row.items()
        }
        for row in _rows_of_versions(chance)
    ]
    found, expected = _compared_both_ways(
        job_session, f"renamed{seed}", active, _version(chance, renamed), rows, keeps
    )
    assert found == expected
    assert expected["change"]["rejectedAnew"] > 0
    assert expected["change"]["nulledAnew"]["atLeast"] > 0


def _compared_both_ways(
    session: SparkSession, name: str, active: str, candidate: str, rows: list[Texts], keeps: Keeps
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns what the SQL says of the rows by both versions, and what the job says."""
    table = _standardize(session, name, rows, keeps)
    request = _request(candidate, table, active)
    statements = _statements([request])[0]
    request["answers"] = [_answer(session, one["sql"]) for one in statements]
    (verdict,) = _typescript("validation_sql", [request])
    broken = {(one["column"], one["rule"]): [one["rows"], one["anew"]] for one in verdict["broken"]}
    found = {**verdict, "broken": broken, "filled": set(verdict["filled"])}
    return found, _compared_by_job(table, candidate, active)


_KINDS = [
    ["true", "false"],
    ["0", "-7", "123456789"],
    ["5", "-2147483648", "9223372036854775807"],
    ["1.5", "0.05", "-12", "1e3", "9223372036854775808"],
    ["1.10", "-0.05", "99.99"],
    ["2026-11-23T10:00:00Z", "2016-12-31t18:59:60.25-05:00", "0001-01-01T00:00:00Z"],
    ["2026-11-23", "2024-02-29"],
    ["[1,2]", "[]"],
    ["on", "it's", "", "\0", "😀"],
    ["{}"],
    _SEEDS,
]
_NAMES = [
    "id",
    "a__b",
    "a__c__d",
    "a__c",
    "a",
    "_2nd",
    "x___y",
    "x__",
    "__z",
    "payload__message_id",
    "payload___deleted",
    "_deleted__by",
    "_",
    "at",
]


def _payload_rows(chance: random.Random) -> list[Texts]:
    """Returns rows whose columns are each of one kind or of two, with or without gaps."""
    names = [*_NAMES, *(f"c{n}" for n in range(20))]
    kinds = {
        name: [*chance.choice(_KINDS), *(chance.choice(_KINDS) if chance.random() < 0.3 else [])]
        for name in names
    }
    gaps = {name: chance.choice([0, 0, 0.2, 1]) for name in names}
    return [
        {name: chance.choice(kinds[name]) for name in names if chance.random() >= gaps[name]}
        for _ in range(60)
    ]


@pytest.mark.parametrize(("seed", "keeps"), [(0, in_columns), (3, in_either)])
def test_a_schema_inferred_from_rows_takes_all_of_them_whole(job_session, seed, keeps):
    """Whatever the table holds, not one row is rejected and not one value becomes NULL."""
    rows = _payload_rows(random.Random(seed))
    standardized = _standardize(job_session, f"inferred{seed}", rows, keeps)
    table: dict[str, Any] = {"database": DATABASE, "table": standardized.name}
    table |= {"columns": standardized.columns, "rescued": standardized.rescued, "overflow": []}
    if standardized.rescued:
        table["overflow"] = _answer(
            job_session, _typescript("infer_schema", {**table, "overflow": None})["sql"]
        )
    statements = _typescript("infer_schema", table)
    table["answers"] = [_answer(job_session, one["sql"]) for one in statements]
    draft = _typescript("infer_schema", table)
    assert draft["problems"] == []
    found, counts = _by_job(standardized, draft["schema"], "odd.texts")
    assert found == {}
    assert counts == {"rows": len(rows), "rejected": 0, "nulled": 0, "noted": 0}
    # Nothing but what holds no value, or has a name no field may have, is left out.
    fields = {field.column for field in read_schema(draft["schema"], "odd.texts").fields}
    filled = {name for row in rows for name, text in row.items() if text not in (None, "{}")}
    assert filled - fields <= {"_"}
