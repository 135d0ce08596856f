"""Rows that another engine deletes by position: told once, and out of the way with the next correction."""

import pytest
from lake import Event

from lean_ops.tables import staged_rows

TABLE = "standardized.telemetry_climate"


def reading(number, **more):
    return Event({"n": number}, message_id=f"m{number}", **more)


def with_deleted_rows(lake, granularity):
    """A table of three files, of two of which somebody has deleted a row each."""
    lake.standardize(reading(0))
    name = lake.name(TABLE)
    lake.spark.sql(
        f"ALTER TABLE {name} SET TBLPROPERTIES ('write.delete.mode' = 'merge-on-read', "
        f"'write.delete.granularity' = '{granularity}')"
    )
    lake.standardize(*(reading(n) for n in range(1, 5)))
    lake.standardize(*(reading(n) for n in range(11, 15)))
    lake.spark.sql(f"DELETE FROM {name} WHERE message_id IN ('m1', 'm11')")
    assert delete_files(lake) > 0


def delete_files(lake):
    lake.spark.sql(f"REFRESH TABLE {lake.name(TABLE)}")
    return lake.spark.table(f"{lake.name(TABLE)}.delete_files").count()


@pytest.mark.parametrize("granularity", ["file", "partition"])
def test_a_correction_takes_the_delete_files_away_and_no_later_count_is_wrong(lake, granularity):
    with_deleted_rows(lake, granularity)
    correction = Event({"n": 99}, message_id="again", key="m2", produced=1)
    assert "the table has 7 rows and should have 9" in lake.standardize(correction).trouble()
    assert delete_files(lake) == 0
    assert {key: row["n"] for key, row in lake.by_key(TABLE).items()} == {
        **{f"m{n}": str(n) for n in (0, 3, 4, 12, 13, 14)},
        "m2": "99",
    }
    lake.logged.clear()
    assert lake.standardize(reading(20)).trouble() is None
    assert not [line for line in lake.logged if line["message"] == "topics go by Spark"]
    # The oldest file goes, by which Iceberg would have forgotten a delete file that nothing needs any more.
    oldest = Event({"n": 98}, message_id="first", key="m0", produced=1)
    assert lake.standardize(oldest).trouble() is None
    assert len(lake.rows(TABLE)) == 8


def test_too_many_bytes_with_deleted_rows_are_left_to_maintenance(lake, monkeypatch):
    with_deleted_rows(lake, "file")
    monkeypatch.setattr(staged_rows, "MAX_CLEANED_BYTES", 1)
    files = lake.data_files(TABLE)
    lake.standardize(Event({"n": 99}, message_id="again", key="m2", produced=1))
    assert delete_files(lake) > 0
    assert len(files - lake.data_files(TABLE)) == 1, "only the file with the corrected row"
    assert len(lake.rows(TABLE)) == 7
