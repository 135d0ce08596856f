"""Spark's columns and Arrow's give the same text of a time, and the same time of a text."""

from datetime import datetime

import pyarrow as pa

from lean_ops.columns.time_text import micros_of_texts, text_time, time_text, time_texts

TIMES = [
    datetime(2026, 11, 23, 10, 30, 0, 1),
    datetime(1970, 1, 1),
    datetime(1969, 12, 31, 23, 59, 59, 999999),
    datetime(1900, 2, 28, 1),
    datetime(9999, 12, 31, 23, 59, 59, 999999),
    None,
]


def test_both_engines_give_the_same_text_and_read_it_back(job_session):
    frame = job_session.createDataFrame(
        [(n, time) for n, time in enumerate(TIMES)], "n int, at timestamp_ntz"
    )
    texts = frame.select("n", time_text("at").alias("text"))
    by_spark = [row["text"] for row in sorted(texts.collect())]
    assert by_spark == time_texts(pa.chunked_array([TIMES], pa.timestamp("us"))).to_pylist()

    read = texts.select("n", text_time("text").alias("at"))
    assert [row["at"] for row in sorted(read.collect())] == TIMES
    assert micros_of_texts(pa.chunked_array([by_spark], pa.string())).to_pylist() == TIMES


def test_a_text_that_is_no_time_is_null_to_both(job_session):
    texts = ["", "Z", "noon", "2026-13-01T00:00:00.000000Z"]
    frame = job_session.createDataFrame([(text,) for text in texts], "text string")
    assert [row["at"] for row in frame.select(text_time("text").alias("at")).collect()] == [None] * 4
    assert micros_of_texts(pa.chunked_array([texts], pa.string())).to_pylist() == [None] * 4
