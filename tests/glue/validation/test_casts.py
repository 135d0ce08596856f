"""Casts and constraints: what each text of each type becomes, one by one and as a column."""

import struct
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lean_ops.columns.row_indices import indices_where
from lean_ops.validation.casts import cast_of
from lean_ops.validation.column_casts import arrow_type, column_cast_of
from lean_ops.validation.constraints import constraint_of
from lean_ops.validation.topic_schema import Field

# (data type, text, value; None: refused)
CASES = [
    *(("bigint", text, value) for text, value in {
        "5": 5, "0": 0, "-0": 0, "-7": -7, "9007199254740993": 9007199254740993,
        "9223372036854775807": 2**63 - 1, "-9223372036854775808": -(2**63), "9223372036854775808": None,
        "1.0": 1, "1e3": 1000, "10E-1": 1, "-0.0": 0, "1.5": None, "1e19": None, "0e99999999999": 0,
        "1" + "0" * 5000 + "e-5000": 1, "9223372036854775808.0": None, "1e99999999999": None,
        "01": None, "+1": None, " 12": None, "12 ": None, "12\n": None, "": None,
        "true": None, "0x1": None, "1_000": None, "9" * 5000: None, "１": None, "--1": None, "1L": None,
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
        "1.5": 1.5, "-0": -0.0, "0e99": 0.0, "1e39": None, "1e-60": None, "1f": None, "1e400": None,
        "0.1": 0.10000000149011612, "16777217": 16777216.0,
        # The nearest double of these is just between two floats.
        "16777217.0000000000000000001": 16777218.0, "-16777217.0000000000000000001": -16777218.0,
        "16777218.9999999999999999999": 16777218.0, "16777219": 16777220.0,
        "340282356779733661637539395458142568447": 3.4028234663852886e38,
        "340282356779733661637539395458142568448": None,
        "7.006492321624085354618e-46": None, "7.006492321624085354619e-46": 1.401298464324817e-45}.items()),
    *(("decimal(5,2)", text, None if value is None else Decimal(value)) for text, value in {
        "1.10": "1.10", "1.1": "1.10", "1.100": "1.10", "1.101": None, "999.99": "999.99",
        "1000": None, "-999.99": "-999.99",
        "1e2": "100.00", "1.5e-1": "0.15", "15e-3": None, "150e-3": "0.15",
        "0.00000e9999999999": "0.00", "1e9999999999": None,
        "1e-9999999999": None, "0": "0.00", "-0.0": "0.00", "12.30e1": "123.00", "00.1": None,
        "": None, "1.": None, "abc": None, "1e+0000000000000000000002": "100.00",
        "0." + "0" * 399 + "1e400": "1.00", "0." + "0" * 400 + "1e401": None,
        "1" + "0" * 400 + "e-400": "1.00",
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
        "0000-12-31T23:00:00-01:00": datetime(1, 1, 1),
        "0000-12-31T23:59:60.5Z": datetime(1, 1, 1, 0, 0, 0, 500000),
        "0000-12-31T23:59:59Z": None, "0000-12-30T23:59:59-23:59": None, "0000-02-30T00:00:00Z": None,
        "9999-12-31T23:59:60Z": None, "9999-12-31T23:59:60+00:01": None,
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
    ("array", "[1", None), ("array", "[", None), ("array", "", None),
]  # fmt: skip


def cast(kind, text):
    return cast_of("string", "array")(text) if kind == "array" else cast_of(kind, "any")(text)


@pytest.mark.parametrize(("kind", "text", "expected"), CASES, ids=lambda value: str(value)[:40])
def test_a_text_becomes_a_typed_value_exactly_or_not_at_all(kind, text, expected):
    value = cast(kind, text)
    assert (type(value), str(value)) == (type(expected), str(expected))


KINDS = sorted({kind for kind, _, _ in CASES})
some_texts = st.lists(st.none() | st.sampled_from([text for _, text, _ in CASES]) | st.from_regex(
    r"\A(-?(0|[1-9][0-9]{0,19})(\.[0-9]{1,17})?"
    r"|[0-9]{4}-[01][0-9]-[0-3][0-9]([Tt ][0-2][0-9](:[0-6][0-9]){2}(\.[0-9]{1,7})?"
    r"([Zz]|[-+][0-2][0-9]:[0-6][0-9])?)?|true|false|\[.*\]?)\n?\Z"
), max_size=6)  # fmt: skip


def column_cast(kind, texts):
    by = column_cast_of("string", "array") if kind == "array" else column_cast_of(kind, "any")
    return by(pa.array(texts, pa.string()))


@given(
    some_texts, st.sampled_from([*KINDS, "decimal(38,38)", "decimal(38,10)", "decimal(3,0)", "decimal(3,3)"])
)
def test_a_column_becomes_what_each_of_its_texts_does(texts, kind):
    found = column_cast(kind, texts)
    assert found.type == (pa.string() if kind == "array" else arrow_type(kind))
    expected = [None if text is None else cast(kind, text) for text in texts]
    assert [str(value) for value in found.to_pylist()] == [str(value) for value in expected]


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_of_all_cases(kind):
    cases = [(text, value) for one, text, value in CASES if one == kind]
    found = column_cast(kind, [text for text, _ in cases])
    assert [str(value) for value in found.to_pylist()] == [str(value) for _, value in cases]
    for text, value in cases:
        assert str(column_cast(kind, [text])[0].as_py()) == str(value)


whole = st.integers(-(2**70), 2**70) | st.integers(-(2**31) - 2, 2**31 + 2) | st.integers(-200, 200)
exponents = st.integers(-50, 50)


@given(st.sampled_from([("bigint", 63), ("int", 31)]), whole)
def test_a_whole_number_is_itself_where_it_has_room(column, number):
    kind, bits = column
    assert cast(kind, str(number)) == (number if -(2**bits) <= number < 2**bits else None)


@given(st.integers(1, 38), st.data(), whole, exponents)
def test_a_decimal_is_exact_or_refused(precision, data, digits, exponent):
    scale = data.draw(st.integers(0, precision))
    exact = Fraction(digits) * Fraction(10) ** exponent
    units = exact * 10**scale
    fits = units.denominator == 1 and abs(units) < 10**precision
    found = cast(f"decimal({precision},{scale})", f"{digits}e{exponent}")
    assert found == (exact if fits else None)
    assert found is None or found.as_tuple().exponent == -scale


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_is_read_as_it_was_written(number):
    assert str(cast("double", repr(number).replace("e+", "e"))) == str(number)


def single(bits):
    return struct.unpack("<f", struct.pack("<I", bits))[0]


@given(st.integers(0, 0x7F7FFFFE), st.fractions(0, 1) | st.just(Fraction(1, 2)), st.sampled_from([-1, 0, 1]))
def test_a_float_is_the_nearest_one_of_the_text(bits, part, nudge):
    """Anywhere between two neighbours, and in their middle or next to it by less than a double shows."""
    lower, upper = Fraction(single(bits)), Fraction(single(bits + 1))
    middle = (lower + upper) / 2
    # 170 digits hold the middle of any two floats exactly.
    exact = Fraction(int((lower + (upper - lower) * part) * 10**170) + nudge, 10**170)
    if exact <= 0:
        return
    nearest = lower if exact < middle or (exact == middle and bits % 2 == 0) else upper
    found = cast("float", f"{exact.numerator * (10**170 // exact.denominator)}e-170")
    assert found == (float(nearest) or None)


offsets = st.integers(-(23 * 60 + 59), 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=offsets), st.sampled_from("Tt "))
def test_a_date_time_is_what_datetime_makes_of_it(time, separator):
    text = time.isoformat(sep=separator)
    assert cast("timestamp_ntz", text) == time.astimezone(UTC).replace(tzinfo=None)
    assert cast("date", text[:10]) == time.date()
    assert cast("date", text) is None


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


def field_of(json_type, data_type, constraints):
    return Field(
        column="x",
        member_prefix="x__",
        types=(json_type,),
        data_type=data_type,
        cde=False,
        required=False,
        parents=(),
        constraints=constraints,
    )


def constraints_of(field):
    return [constraint_of(field, keyword, limit) for keyword, limit in field.constraints.items()]


@pytest.mark.parametrize(("data_type", "constraints", "text", "broken"), CONSTRAINED)
def test_constraints_are_broken_as_json_schema_says(data_type, constraints, text, broken):
    json_type = {"bigint": "integer", "int": "integer", "string": "string"}.get(data_type, "number")
    field = field_of(json_type, data_type, constraints)
    values = column_cast(data_type, [None, text, None])
    found = {one.keyword: indices_where(one.broken(values)) for one in constraints_of(field)}
    assert found == {keyword: [1] if keyword in broken else [] for keyword in constraints}


@given(whole, whole, exponents, st.sampled_from(["bigint", "decimal(38,10)"]))
def test_a_bound_is_compared_by_all_its_digits(value, digits, exponent, data_type):
    typed = cast(data_type, str(value))
    values = column_cast(data_type, [str(value)])
    limit = Decimal(digits).scaleb(exponent)
    keywords = dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), limit)
    field = field_of("number", data_type, keywords)
    found = {one.keyword for one in constraints_of(field) if indices_where(one.broken(values))}
    if typed is not None:
        exact = Fraction(limit)
        assert found == {
            *(["minimum"] if value < exact else []),
            *(["maximum"] if value > exact else []),
            *(["exclusiveMinimum"] if value <= exact else []),
            *(["exclusiveMaximum"] if value >= exact else []),
        }
