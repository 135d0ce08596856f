"""A topic whose texts take too long fails alone, by name, with the message that was being read."""

import time

import pyarrow as pa
import pytest
from lake import Event

from lean_ops.tasks import run_tasks
from lean_ops.validation import column_casts, time_limit

SLOW, QUICK = "slow.topic", "quick.topic"


@pytest.fixture
def two_topics(lake):
    """Both have a schema. Arrow reads the numbers of one, and the texts of the other go one by one."""
    for topic in (SLOW, QUICK):
        lake.activate(topic, 1, {"n": {"type": "number"}})
    lake.standardize(
        *(Event(f'{{"n":{n}e1}}', topic=SLOW, message_id=f"s{n}", ingested=n) for n in range(1, 6)),
        *(Event({"n": n}, topic=QUICK, message_id=f"q{n}") for n in range(1, 6)),
    )
    return lake


def check_that_only_the_slow_one_fails(lake, outcome, why):
    assert set(outcome.failed) == {SLOW}
    assert why in outcome.failed[SLOW]
    assert f"1 topic failed: {SLOW}: " in outcome.trouble()
    [failed] = lake.ledger("curated", SLOW)
    assert why in failed["error"]
    [line] = [line for line in lake.logged if line.get("reason") == failed["error"]]
    assert line["topic_name"] == SLOW
    assert len(lake.rows("curated.quick_topic")) == 5
    assert lake.rows("curated.slow_topic") == []
    assert lake.curate().failed == outcome.failed, "it stays where it is"


def check_that_it_catches_up(lake):
    assert lake.curate().complete
    assert [row["n"] for row in lake.rows("curated.slow_topic")] == [10.0, 20.0, 30.0, 40.0, 50.0]


@pytest.mark.parametrize("way", ["in a task", "by Spark"])
def test_a_slow_topic_fails_alone_on_executors(two_topics, request, monkeypatch, way):
    """With no time at all the first text that is read one by one ends its topic."""
    if way == "by Spark":
        request.getfixturevalue("by_spark")
    with monkeypatch.context() as patched:
        patched.setattr(time_limit, "MAX_SECONDS", 0.0)
        outcome = two_topics.curate()
        check_that_only_the_slow_one_fails(two_topics, outcome, "TopicTooSlowError: message s")
    check_that_it_catches_up(two_topics)


def test_the_message_that_was_being_read_is_named(two_topics, monkeypatch):
    def in_this_process(spark, groups, function, schema):
        """Stands for the executors, which would not have the slow cast."""
        rows = [row for group in groups for batch in function(group) for row in batch.to_pylist()]
        return spark.createDataFrame([tuple(row.values()) for row in rows], schema)

    def slow_cast_of(*types):
        cast = cast_of(*types)

        def slow(text):
            end = time.thread_time() + (0.5 if text == "3e1" else 0)
            while time.thread_time() < end:
                pass
            return cast(text)

        return slow

    cast_of = column_casts.cast_of
    with monkeypatch.context() as patched:
        patched.setattr(run_tasks, "map_groups", in_this_process)
        patched.setattr(column_casts, "cast_of", slow_cast_of)
        patched.setattr(time_limit, "MAX_SECONDS", 0.4)
        outcome = two_topics.curate()
        why = "message s3 was being read, column n, when the topic had taken 0.4 s of CPU time"
        check_that_only_the_slow_one_fails(two_topics, outcome, why)
    check_that_it_catches_up(two_topics)


def test_waiting_does_not_count_and_work_does():
    read = time_limit.TimeLimit(0.05).reading(pa.chunked_array([["m1", "m2"]]))("n")
    time.sleep(0.1)
    read(0)
    while time.thread_time() - 0.05 < 0 or not sum(range(100_000)):
        pass
    end = time.thread_time() + 0.1
    while time.thread_time() < end:
        pass
    with pytest.raises(time_limit.TopicTooSlowError, match="message m2 was being read, column n"):
        read(1)
