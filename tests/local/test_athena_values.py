"""Values look as Athena shows them."""

import datetime
import decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import types as t

from emulator.athena.values import as_text, athena_type, java_float

AT = datetime.datetime(2026, 11, 23, 10, 0)


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, t.StringType(), None),
        (AT, t.TimestampNTZType(), "2026-11-23 10:00:00.000000"),
        (AT, t.TimestampType(), "2026-11-23 10:00:00.000 UTC"),
        (datetime.date(2026, 1, 2), t.DateType(), "2026-01-02"),
        (True, t.BooleanType(), "true"),
        (9007199254740993, t.LongType(), "9007199254740993"),
        (decimal.Decimal("1.10"), t.DecimalType(10, 2), "1.10"),
        ({"a": "1", "b": None}, t.MapType(t.StringType(), t.StringType()), "{a=1, b=null}"),
        ([1, 2], t.ArrayType(t.IntegerType()), "[1, 2]"),
        (b"\x00\xff", t.BinaryType(), "00 ff"),
    ],
)
def test_text(value: object, kind: t.DataType, text: str | None) -> None:
    assert as_text(value, kind) == text


@pytest.mark.parametrize(
    ("value", "single", "text"),
    [
        (0.0, False, "0.0"),
        (1e10, False, "1.0E10"),
        (1e-5, False, "1.0E-5"),
        (123456.5, False, "123456.5"),
        (-1234567890.125, False, "-1.234567890125E9"),
        (0.10000000149011612, True, "0.1"),
        (float("nan"), False, "NaN"),
        (float("-inf"), False, "-Infinity"),
    ],
)
def test_floats_are_written_as_java_does(value: float, single: bool, text: str) -> None:
    assert java_float(value, single) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_reads_back_as_itself(value: float) -> None:
    assert float(java_float(value, single=False)) == value


def test_a_decimal_tells_its_digits() -> None:
    assert athena_type(t.DecimalType(10, 2)) == {"type": "decimal", "precision": 10, "scale": 2}
