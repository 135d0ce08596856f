"""Times as the text that Standardized holds them in, `YYYY-MM-DDTHH:MM:SS.ffffffZ` in UTC, and back: for
Spark's columns and for Arrow's, which a test holds equal."""

from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column
from pyspark.sql import functions as F

_TEXT_FORM = "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'"
_EPOCH = datetime(1970, 1, 1)
_MICRO = timedelta(microseconds=1)
_DATE_LENGTH = len("2026-11-23")


def time_text(column: str | Column) -> Column:
    """`YYYY-MM-DDTHH:MM:SS.ffffffZ`: its order as text is its order in time."""
    return F.date_format(column, _TEXT_FORM)


def text_time(column: str) -> Column:
    """The TIMESTAMP_NTZ that time_text made a text of."""
    return F.rtrim(F.regexp_replace(column, "Z$", "")).cast("timestamp_ntz")


def time_texts(times: pa.ChunkedArray) -> pa.ChunkedArray:
    """`YYYY-MM-DDTHH:MM:SS.ffffffZ` of timestamp[us]."""
    # A cast gives the same but for two characters, in a tenth of strftime's time.
    local = pc.binary_replace_slice(times.cast(pa.string()), _DATE_LENGTH, _DATE_LENGTH + 1, "T")
    return pc.binary_join_element_wise(local, "Z", "")


def micros_of_texts(texts: pa.ChunkedArray) -> pa.Array:
    """What time_texts made texts of. Null for what is no time, as Spark's cast gives."""
    return pa.array([micros_of_text(one) for one in texts.to_pylist()], pa.timestamp("us"))


def micros_of_text(text: str | None) -> int | None:
    try:
        return None if text is None else (datetime.fromisoformat(text[:-1]) - _EPOCH) // _MICRO
    except ValueError:
        return None
