"""Ids are looked up in the ops tables without reading all of them, and the answer is as if they were."""

import hashlib
import itertools

import pytest
from lake import out_of_reach

from lean_ops.tables import known_ids
from lean_ops.tables.spark_tables import Tables


@pytest.fixture
def table(lake):
    return Tables(lake.spark, lake.prefix), lake.name("ops.parse_errors")


def error_id(n):
    return hashlib.sha256(str(n).encode()).hexdigest()


def rows(lake, numbers):
    found = [(error_id(n), f"t.{n % 7}", "20261123T100000Z-0a1b2c3d") for n in numbers]
    return lake.spark.createDataFrame(found, "error_id string, topic_name string, cycle_id string").coalesce(
        1
    )


def commits(lake, name):
    return lake.spark.table(f"{name}.snapshots").count()


@pytest.mark.parametrize("most", [known_ids.MAX_LISTED, 3])
def test_each_id_is_written_once_whether_they_are_listed_or_joined(lake, table, monkeypatch, most):
    monkeypatch.setattr(known_ids, "MAX_LISTED", most)
    tables, name = table
    written = set()
    for numbers in ({1, 2, 3, 4, 5}, {4, 5, 6}, {7}, {1, 8}, set(), {2, 3, 4, 5, 6, 9}):
        tables.append_new(rows(lake, numbers), name, "error_id")
        written |= numbers
        assert sorted(row["error_id"] for row in lake.spark.table(name).collect()) == sorted(
            map(error_id, written)
        )


def test_nothing_new_makes_no_commit(lake, table):
    tables, name = table
    tables.append_new(rows(lake, range(5)), name, "error_id")
    before = commits(lake, name)
    tables.append_new(rows(lake, range(5)), name, "error_id")
    tables.append_new(rows(lake, []), name, "error_id")
    assert commits(lake, name) == before


def test_files_that_are_sorted_by_id_are_read_only_where_an_id_may_be(lake, table):
    tables, name = table
    by_id = sorted(range(1_000), key=error_id)
    sorted_files = []
    for part in (by_id[:500], by_id[500:]):
        tables.append(rows(lake, part), name, {})
        sorted_files.append(lake.data_files("ops.parse_errors") - set().union(*sorted_files))
    # The least ids, more than Iceberg compares in one list, and a new one among them.
    again = by_id[1:301]
    new = next(n for n in itertools.count(1_000) if error_id(n) < error_id(by_id[300]))
    with out_of_reach(sorted_files[1]):
        tables.append_new(rows(lake, [*again, new]), name, "error_id")
    assert sorted(row["error_id"] for row in lake.spark.table(name).collect()) == sorted(
        error_id(n) for n in [*by_id, new]
    )


def test_topics_leave_out_files_and_a_row_without_a_topic_none(lake, table):
    tables, name = table

    def append(numbers, topic):
        found = [(error_id(n), topic) for n in numbers]
        frame = lake.spark.createDataFrame(found, "error_id string, topic_name string").coalesce(1)
        tables.append_new(frame, name, "error_id")

    append(range(10), "a")
    first = lake.data_files("ops.parse_errors")
    with out_of_reach(first):
        append(range(10, 20), "b")
    append(range(20, 22), None)
    append(range(20, 23), None)
    assert lake.spark.table(name).count() == 23
