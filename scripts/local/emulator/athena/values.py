"""Values and types as Athena writes them into results."""

import datetime
import decimal
import struct
from typing import Any

from pyspark.sql import types as t

_VARCHAR = ("varchar", 2147483647, 0)
# Athena's name, precision and scale in ResultSetMetadata, by Spark's type.
_TYPES: dict[type[t.DataType], tuple[str, int, int]] = {
    t.BooleanType: ("boolean", 0, 0),
    t.ByteType: ("tinyint", 3, 0),
    t.ShortType: ("smallint", 5, 0),
    t.IntegerType: ("integer", 10, 0),
    t.LongType: ("bigint", 19, 0),
    t.FloatType: ("float", 17, 0),
    t.DoubleType: ("double", 17, 0),
    t.StringType: _VARCHAR,
    t.BinaryType: ("varbinary", 1073741824, 0),
    t.DateType: ("date", 0, 0),
    t.TimestampNTZType: ("timestamp", 3, 0),
    t.TimestampType: ("timestamp with time zone", 3, 0),
    t.ArrayType: ("array", 0, 0),
    t.MapType: ("map", 0, 0),
    t.StructType: ("row", 0, 0),
    t.NullType: ("unknown", 0, 0),
}


def athena_type(kind: t.DataType) -> dict[str, Any]:
    if isinstance(kind, t.DecimalType):
        return {"type": "decimal", "precision": kind.precision, "scale": kind.scale}
    name, precision, scale = _TYPES.get(type(kind), _VARCHAR)
    return {"type": name, "precision": precision, "scale": scale}


def as_text(value: Any, kind: t.DataType) -> str | None:
    """A value as a result's cell shows it. None is SQL's NULL."""
    if value is None:
        return None
    if isinstance(kind, t.ArrayType):
        return "[" + ", ".join(_inner(item, kind.elementType) for item in value) + "]"
    if isinstance(kind, t.MapType):
        pairs = (f"{_inner(key, kind.keyType)}={_inner(item, kind.valueType)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(kind, t.StructType):
        pairs = (f"{f.name}={_inner(item, f.dataType)}" for f, item in zip(kind.fields, value, strict=True))
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        if isinstance(kind, t.TimestampType):
            return value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond // 1000:03d} UTC"
        return value.strftime("%Y-%m-%d %H:%M:%S.%f").rjust(26, "0")
    if isinstance(value, float):
        return java_float(value, single=isinstance(kind, t.FloatType))
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    if isinstance(value, bytes | bytearray):
        return bytes(value).hex(" ")
    return str(value)


def _inner(value: Any, kind: t.DataType) -> str:
    text = as_text(value, kind)
    return "null" if text is None else text


def java_float(value: float, single: bool) -> str:
    """The text of Java's Double.toString: in full for 0.001 ≤ |x| < 10,000,000, else as 1.0E10."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    digits = _shortest_single(value) if single else repr(value)
    number = decimal.Decimal(digits)
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        text = f"{number:f}"
        return text if "." in text else text + ".0"
    sign, figures, exponent = number.normalize().as_tuple()
    assert isinstance(exponent, int)
    head, tail = str(figures[0]), "".join(map(str, figures[1:])) or "0"
    return f"{'-' if sign else ''}{head}.{tail}E{exponent + len(figures) - 1}"


def _shortest_single(value: float) -> str:
    wanted = struct.pack("f", value)
    for precision in range(1, 10):
        text = f"{value:.{precision}g}"
        if struct.pack("f", float(text)) == wanted:
            return text
    return repr(value)
