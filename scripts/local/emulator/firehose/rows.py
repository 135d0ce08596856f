"""Reads JSON records as rows of an Iceberg table, as strictly as Firehose does.

A timestamp is a whole number of microseconds.
"""

import base64
import datetime
import decimal
import json
from typing import Any

from pyiceberg import types as t
from pyiceberg.schema import Schema

from emulator.errors import EmulatorError

_BITS: dict[type[t.IcebergType], int] = {t.IntegerType: 31, t.LongType: 63}
"""Bits of the integer types' values, beside the sign."""
_MAX_SHOWN_CHARS = 60


class InvalidRecordError(EmulatorError):
    """The record does not fit the table; the message names the column."""


def read_row(data: bytes, schema: Schema) -> dict[str, Any]:
    """Reads a record: one JSON object, whose members are columns with values of the right type.

    Raises InvalidRecordError for anything else.
    """
    try:
        found = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidRecordError(f"the record is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise InvalidRecordError("the record is not a JSON object")
    row: dict[str, Any] = {}
    names = {field.name: field for field in schema.fields}
    for name, value in found.items():
        field = names.get(name)
        if field is None:
            raise InvalidRecordError(f"the table has no column {name}")
        row[name] = None if value is None else convert(value, field.field_type, name)
    missing = [name for name, field in names.items() if field.required and row.get(name) is None]
    if missing:
        raise InvalidRecordError(f"column {missing[0]} is required")
    return row


def convert(value: Any, kind: t.IcebergType, path: str) -> Any:
    """The value as pyarrow takes it. Raises InvalidRecordError, which names the value by `path`."""
    if isinstance(kind, t.StringType) and isinstance(value, str):
        return _text(value, path)
    if isinstance(kind, t.BooleanType) and isinstance(value, bool):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        bits = _BITS.get(type(kind))
        if bits is not None and -(2**bits) <= value < 2**bits:
            return value
        # A text is refused by its type, and milliseconds by mistake lie in 1970: both are noticed at once.
        if isinstance(kind, t.TimestampType | t.TimestamptzType) and -(2**63) <= value < 2**63:
            return value
    if isinstance(kind, t.FloatType | t.DoubleType) and _is_number(value):
        return float(value)
    if isinstance(kind, t.ListType) and isinstance(value, list):
        return [None if item is None else convert(item, kind.element_type, f"{path}[]") for item in value]
    if isinstance(kind, t.MapType) and isinstance(value, dict):
        return [
            (convert(k, kind.key_type, path), None if v is None else convert(v, kind.value_type, path))
            for k, v in value.items()
        ]
    if isinstance(kind, t.StructType) and isinstance(value, dict):
        return _struct(value, kind, path)
    if isinstance(value, str):
        return _from_text(value, kind, path)
    if isinstance(kind, t.DecimalType) and _is_number(value):
        return _decimal(str(value), kind, path)
    raise InvalidRecordError(f"column {path} is {kind}, not {_shown(value)}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _from_text(value: str, kind: t.IcebergType, path: str) -> Any:
    try:
        if isinstance(kind, t.DateType):
            return datetime.date.fromisoformat(value)
        if isinstance(kind, t.DecimalType):
            return _decimal(value, kind, path)
        if isinstance(kind, t.BinaryType):
            return base64.b64decode(value, validate=True)
    except ValueError:
        pass
    raise InvalidRecordError(f"column {path} is {kind}, not {_shown(value)}")


def _struct(value: dict[str, Any], kind: t.StructType, path: str) -> dict[str, Any]:
    fields = {field.name: field.field_type for field in kind.fields}
    unknown = next((name for name in value if name not in fields), None)
    if unknown is not None:
        raise InvalidRecordError(f"the table has no column {path}.{unknown}")
    return {k: None if v is None else convert(v, fields[k], f"{path}.{k}") for k, v in value.items()}


def _decimal(text: str, kind: t.DecimalType, path: str) -> decimal.Decimal:
    try:
        number = decimal.Decimal(text).quantize(decimal.Decimal(1).scaleb(-kind.scale))
    except decimal.InvalidOperation as error:
        raise InvalidRecordError(f"column {path} is {kind}, not {text!r}") from error
    if len(number.as_tuple().digits) > kind.precision:
        raise InvalidRecordError(f"column {path} is {kind}, {text} has too many digits")
    return number


def _text(value: str, path: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidRecordError(f"column {path} has a lone surrogate, which is not UTF-8") from error
    return value


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _shown(value: Any) -> str:
    text = json.dumps(value)
    if len(text) > _MAX_SHOWN_CHARS:
        text = text[: _MAX_SHOWN_CHARS - 3] + "..."
    return f"{type(value).__name__} {text}"
