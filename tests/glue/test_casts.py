from datetime import date, datetime
from decimal import Decimal

import pytest
from pyspark.sql import functions as F

from lean_ops.casts import typed
from lean_ops.constraints import broken, java_pattern
from lean_ops.schemas import Field

# (data type, text, value; None: refused)
CASES = [
    *(("bigint", text, value) for text, value in {
        "5": 5, "0": 0, "-0": 0, "-7": -7, "9007199254740993": 9007199254740993,
        "9223372036854775807": 2**63 - 1, "-9223372036854775808": -(2**63), "9223372036854775808": None,
        "1.0": None, "1e3": None, "01": None, "+1": None, " 12": None, "12 ": None, "12\n": None, "": None,
        "true": None, "0x1": None, "1_000": None, "１": None, "--1": None, "1L": None,
    }.items()),
    *(("int", text, value)
        for text, value in {
        "2147483647": 2**31 - 1, "2147483648": None, "-2147483648": -(2**31)}.items()),
    *(("double", text, value) for text, value in {
        "1.10": 1.1, "1e3": 1000.0, "-0": -0.0, "0.0": 0.0,
        "9007199254740993": 9007199254740992.0, "1E5": 1e5,
        "1e400": None, "-1e400": None, "1e-400": None, "0e999": 0.0,
        "1.7976931348623157e308": 1.7976931348623157e308,
        "5e-324": 5e-324, "NaN": None, "Infinity": None, "1d": None, "1.": None, ".5": None,
        "01.5": None, " 1": None,
        "1\n": None, "": None, "1,5": None,
    }.items()),
    *(("float", text, value)
        for text, value in {
        "1.5": 1.5, "1e39": None, "1e-60": None, "1f": None}.items()),
    *(("decimal(5,2)", text, None if value is None else Decimal(value)) for text, value in {
        "1.10": "1.10", "1.1": "1.10", "1.100": "1.10", "1.101": None, "999.99": "999.99",
        "1000": None, "-999.99": "-999.99",
        "1e2": "100.00", "1.5e-1": "0.15", "15e-3": None, "150e-3": "0.15",
        "0.00000e9999999999": "0.00", "1e9999999999": None,
        "1e-9999999999": None, "0": "0.00", "-0.0": "0.00", "12.30e1": "123.00", "00.1": None,
        "": None, "1.": None, "abc": None,
    }.items()),
    ("decimal(38,0)", "99999999999999999999999999999999999999", Decimal("9" * 38)),
    ("decimal(38,0)", "1e37", Decimal(10**37)),
    ("decimal(38,0)", "1e38", None),
    ("decimal(38,38)", "0." + "1" * 38, Decimal("0." + "1" * 38)),
    ("decimal(38,38)", "1", None),
    *(("boolean", text, value) for text, value in {
        "true": True, "false": False, "TRUE": None, "1": None, "yes": None, " true": None, "": None,
    }.items()),
    *(("date", text, value) for text, value in {
        "2026-11-23": date(2026, 11, 23), "2024-02-29": date(2024, 2, 29), "2026-02-29": None,
        "2026-13-01": None,
        "2026-1-1": None, "0001-01-01": date(1, 1, 1), "9999-12-31": date(9999, 12, 31), "0000-01-01": None,
        "2026-11-23T00:00:00Z": None, "": None, "2026-11-23\n": None, "20261123": None,
    }.items()),
    *(("timestamp_ntz", text, value) for text, value in {
        "2026-11-23T10:00:00Z": datetime(2026, 11, 23, 10),
        "2026-11-23t10:00:00z": datetime(2026, 11, 23, 10),
        "2026-11-23 10:00:00Z": datetime(2026, 11, 23, 10),
        "2026-11-23T10:00:00.5Z": datetime(2026, 11, 23, 10, 0, 0, 500000),
        "2026-11-23T10:00:00.123456789Z": datetime(2026, 11, 23, 10, 0, 0, 123456),
        "2026-11-23T10:00:00+01:00": datetime(2026, 11, 23, 9),
        "2026-11-23T10:00:00-23:59": datetime(2026, 11, 24, 9, 59),
        "2026-03-08T02:30:00+00:00": datetime(2026, 3, 8, 2, 30),  # a local hour that New York skips
        "2026-09-27T02:30:00Z": datetime(2026, 9, 27, 2, 30),  # … and Auckland
        "1969-12-31T23:59:59.999999Z": datetime(1969, 12, 31, 23, 59, 59, 999999),
        "1582-10-10T00:00:00Z": datetime(1582, 10, 10),
        "0001-01-01T00:00:00Z": datetime(1, 1, 1),
        "0001-01-01T00:00:00+00:01": None,
        "9999-12-31T23:59:59.999999Z": datetime(9999, 12, 31, 23, 59, 59, 999999),
        "9999-12-31T23:59:59-00:01": None,
        "2016-12-31T23:59:60Z": datetime(2017, 1, 1),
        "2016-12-31T18:59:60.25-05:00": datetime(2017, 1, 1, 0, 0, 0, 250000),
        "2016-12-31T12:59:60Z": None, "2026-11-23T24:00:00Z": None, "2026-02-30T00:00:00Z": None,
        "2026-11-23T10:00:00": None, "2026-11-23T10:00Z": None, "2026-11-23": None,
        "2026-11-23T10:00:00.Z": None,
        "2026-11-23T10:00:00+0100": None, "2026-11-23T10:00:00+24:00": None, "2026-11-23T10:00:61Z": None,
        " 2026-11-23T10:00:00Z": None, "2026-11-23T10:00:00Z\n": None, "": None, "1763892000": None,
    }.items()),
    ("string", "", ""), ("string", " any\ntext 😀 ", " any\ntext 😀 "),
    ("array", "[1,2]", "[1,2]"), ("array", "5", None), ("array", "{}", None),
    ("array", "[1", None), ("array", "", None),
]  # fmt: skip


@pytest.fixture(scope="module")
def cast_values(job_session):
    """All cases in one query: by data type and text."""
    frame = job_session.createDataFrame([(kind, text) for kind, text, _ in CASES], "kind string, text string")
    found = {}
    for kind in dict.fromkeys(kind for kind, _, _ in CASES):
        data_type = "string" if kind == "array" else kind
        rows = frame.where(frame.kind == kind)
        for row in rows.select("text", typed(rows.text, data_type, kind).alias("value")).collect():
            found[kind, row["text"]] = row["value"]
    return found


def test_texts_become_typed_values_exactly_or_not_at_all(cast_values):
    wrong = {
        (kind, text): (cast_values[kind, text], expected)
        for kind, text, expected in CASES
        if cast_values[kind, text] != expected
    }
    assert wrong == {}


def test_null_stays_null(job_session):
    frame = job_session.createDataFrame([(None,)], "text string")
    kinds = ["bigint", "double", "decimal(5,2)", "boolean", "date", "timestamp_ntz", "string"]
    values = frame.select(
        *(typed(frame.text, kind, "any").alias(kind.replace("(", "_")) for kind in kinds)
    ).first()
    assert set(values) == {None}


# (data type, constraints, text, broken keywords)
CONSTRAINED = [
    ("bigint", {"minimum": 5}, "5", []),
    ("bigint", {"minimum": 5}, "4", ["minimum"]),
    ("bigint", {"exclusiveMinimum": 5}, "5", ["exclusiveMinimum"]),
    ("bigint", {"minimum": Decimal("4.5"), "maximum": Decimal("1e300")}, "5", []),
    ("bigint", {"maximum": 9007199254740991}, "9007199254740992", ["maximum"]),
    ("double", {"maximum": 60, "minimum": -90}, "60.0", []),
    ("double", {"exclusiveMaximum": 60}, "60", ["exclusiveMaximum"]),
    ("decimal(10,2)", {"maximum": Decimal("0.1")}, "0.10", []),
    ("decimal(10,2)", {"maximum": Decimal("0.1")}, "0.11", ["maximum"]),
    ("string", {"enum": ["on", "off"]}, "on", []),
    ("string", {"enum": ["on", "off"]}, "ON", ["enum"]),
    ("bigint", {"enum": [1, 2]}, "3", ["enum"]),
    ("bigint", {"enum": [Decimal("1E+3"), Decimal("2.0")]}, "2", []),
    ("bigint", {"enum": [Decimal("1E+3"), Decimal("2.0")]}, "3", ["enum"]),
    ("int", {"enum": [1, 2**32 - 1]}, "-1", ["enum"]),
    # Wider than any type that holds both the value and the bound.
    ("decimal(38,0)", {"maximum": Decimal("0.5")}, "9" * 38, ["maximum"]),
    ("decimal(38,38)", {"minimum": 0, "maximum": 1}, "-0." + "1" * 38, ["minimum"]),
    ("decimal(38,38)", {"exclusiveMinimum": Decimal("-1e300"), "maximum": Decimal("1e300")}, "0", []),
    (
        "decimal(5,2)",
        {"minimum": Decimal("1e300"), "maximum": Decimal("-1e300")},
        "0",
        ["minimum", "maximum"],
    ),
    ("string", {"const": "x"}, "y", ["const"]),
    ("string", {"minLength": 1}, "", ["minLength"]),
    ("string", {"maxLength": 2}, "😀😀", []),
    ("string", {"maxLength": 2}, "😀😀x", ["maxLength"]),
    ("string", {"pattern": "b+"}, "abc", []),
    ("string", {"pattern": "^b"}, "abc", ["pattern"]),
    ("string", {"pattern": "^[A-Z]{2}[0-9]$"}, "CH1", []),
    ("string", {"pattern": "^[A-Z]{2}[0-9]$"}, "CH1\n", ["pattern"]),
    ("string", {"pattern": "^a.c$"}, "a\u0085c", []),
    ("string", {"pattern": "^a.c$"}, "a\u2028c", ["pattern"]),
    ("string", {"pattern": r"^a\.[.$]$"}, "a.$", []),
    ("string", {"pattern": "^x$", "maxLength": 1, "enum": ["q"]}, "long", ["pattern", "maxLength", "enum"]),
]


def test_constraints_are_broken_as_json_schema_says(job_session):
    columns, expected = [], []
    for n, (data_type, constraints, text, keywords) in enumerate(CONSTRAINED):
        json_type = "integer" if data_type in ("bigint", "int") else "any"
        field = Field("x", json_type, data_type, False, False, (), constraints)
        cast = typed(F.lit(text), data_type, "any")
        for keyword, condition, _ in broken(field, cast):
            columns.append(condition.alias(f"c{n}_{keyword}"))
            expected.append((f"c{n}_{keyword}", keyword in keywords))
    row = job_session.range(1).select(*columns).first()
    assert row.asDict() == dict(expected)


def test_a_pattern_keeps_its_classes_and_escapes():
    assert java_pattern(r"^\.[.$]\$$") == r"^\.[.$]\$\z"
