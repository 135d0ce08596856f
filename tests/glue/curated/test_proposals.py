"""What a run of each layer notes after a bad cycle; bookkeeping/proposals.py decides it."""

from lake import Event
from readings import SCHEMA, TOPIC, reading

from lean_ops.bookkeeping.proposals import MIN_REJECTED


def events(cycle, good, bad):
    return [
        Event(
            reading(**({} if n < good else {"measured_at": "yesterday"})),
            message_id=f"{cycle}-{n}",
        )
        for n in range(good + bad)
    ]


def proposals(lake, layer="curated"):
    return lake.checkpoints.get("*", layer)["proposals"]


def test_a_cycle_that_rejects_too_much_proposes_the_one_before_it_until_a_day_has_passed(lake):
    lake.activate(TOPIC, 1, SCHEMA)
    lake.standardize(*events("first", good=1, bad=MIN_REJECTED))
    lake.curate()
    assert proposals(lake) == []
    before = lake.checkpoints.get(TOPIC, "curated")["cycle_id"]

    lake.standardize(*events("second", good=2, bad=MIN_REJECTED))
    lake.curate()
    bad = lake.checkpoints.get(TOPIC, "curated")["cycle_id"]
    [note] = proposals(lake)
    assert (note["topic_name"], note["cycle_id"], note["to_cycle"]) == (TOPIC, bad, before)
    assert note["error"].startswith(f"{MIN_REJECTED} of {MIN_REJECTED + 2} messages were rejected")
    [line] = [line for line in lake.logged if line["message"] == "rewind proposed"]
    assert line["command"] == f"lean-ops topic rewind {TOPIC} --to {before}"
    assert proposals(lake, "raw") == []

    # The first bad cycle says where to; a good one takes nothing back.
    lake.standardize(*events("third", good=3, bad=MIN_REJECTED))
    lake.curate()
    lake.standardize(*events("fourth", good=MIN_REJECTED, bad=0))
    lake.curate()
    assert proposals(lake) == [note]


def test_a_message_that_is_on_record_is_not_rejected_again(lake):
    lake.activate(TOPIC, 1, SCHEMA)
    lake.standardize(*events("first", good=1, bad=MIN_REJECTED))
    lake.curate()
    lake.standardize(*events("first", good=1, bad=MIN_REJECTED))
    lake.curate()
    assert proposals(lake) == []
