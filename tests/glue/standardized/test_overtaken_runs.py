"""A run whose lease ran out while it was at work, and which goes on beside the run that came after it."""

import pyarrow.parquet as pq
import pytest
from lake import Event

from lean_ops.spark.file_io import path_of
from lean_ops.spark.iceberg_classes import NotPlainFilesError
from lean_ops.standardized import job, take_raw
from lean_ops.tables.topic_table import OvertakenError


def reading(number):
    return Event({"n": number}, message_id=f"m{number}")


def not_plain(*_):
    raise NotPlainFilesError("for the test")


def test_rows_that_spark_takes_into_cycle_delta_lie_by_topic(lake, monkeypatch):
    """So that who reads a few topics reads little else."""
    monkeypatch.setattr(take_raw, "raw_splits", not_plain)
    topics = [f"fleet.t{n}" for n in (3, 1, 2)]
    lake.standardize(*(Event(topic=topics[n % 3], message_id=f"m{n}") for n in range(9)))
    [path] = lake.data_files("ops.cycle_delta")
    assert pq.read_table(path_of(path), columns=["topic_name"], partitioning=None)[
        "topic_name"
    ].to_pylist() == sorted(topics * 3)


@pytest.mark.parametrize("by_spark", [False, True], ids=["by tasks", "by Spark"])
def test_a_run_that_was_overtaken_does_not_move_raws_checkpoint_back(lake, monkeypatch, by_spark):
    """The later run comes when the earlier one has decided which of RAW's rows to take, and took none."""
    if by_spark:
        monkeypatch.setattr(take_raw, "raw_splits", not_plain)
    lake.standardize(reading(1))
    earlier, later = lake.next_cycle(), lake.next_cycle()
    lake.deliver(reading(2))
    overtaken = lake.job(earlier)
    ensure = take_raw.ensure_on_record

    def then_overtaken(*arguments):
        monkeypatch.setattr(take_raw, "ensure_on_record", ensure)
        assert lake.standardize(reading(3), cycle_id=later).trouble() is None
        return ensure(*arguments)

    monkeypatch.setattr(take_raw, "ensure_on_record", then_overtaken)
    with pytest.raises(OvertakenError, match=f"cycle {later}"):
        job.run(overtaken)
    assert lake.standardize(reading(4)).trouble() is None
    ledger = lake.ledger("standardized")
    assert [row["records_in"] for row in ledger] == [1, 2, 1], "each of RAW's rows is taken once"
    assert len(set(lake.balance("standardized"))) == 1
