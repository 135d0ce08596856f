from datetime import UTC, datetime, timedelta

import pytest

from lean_ops.bookkeeping import ledger, proposals
from lean_ops.bookkeeping.run_outcome import RunOutcome

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CYCLE = "20261123T114500Z-1a2b3c4d"
BEFORE = "20261123T113000Z-00000000"
MIRRORS = {"a": {"cycle_id": BEFORE}, "b": {"cycle_id": BEFORE}}


def entry_of(topic="a", rejected=0, taken=0, **more):
    return ledger.Entry(
        topic=topic,
        layer="curated",
        cycle_id=CYCLE,
        started_at=NOW,
        finished_at=NOW,
        counts={"rejected": rejected, "records_in": taken},
        **more,
    )


def proposed(*entries, before=None, mirrors=MIRRORS, percent=50, now=NOW, logged=None):
    outcome = RunOutcome()
    for entry in entries:
        outcome.enter(entry)

    def log(message, **fields):
        if logged is not None:
            logged.append((message, fields))

    found = proposals.next_proposals(outcome, before, mirrors, rejected_percent=percent, now=now, log=log)
    return found["proposals"]


def test_an_unbalanced_topic_is_proposed_to_go_back_to_its_last_cycle_and_the_log_says_how():
    logged = []
    assert proposed(entry_of(imbalance="LEDGER_UNBALANCED: 3 rows"), logged=logged) == [
        {
            "topic_name": "a",
            "since": "2026-11-23T12:00:00+00:00",
            "cycle_id": CYCLE,
            "to_cycle": BEFORE,
            "error": "LEDGER_UNBALANCED: 3 rows",
        }
    ]
    [(message, fields)] = logged
    assert message == "rewind proposed"
    assert fields["command"] == f"lean-ops topic rewind a --to {BEFORE}"


@pytest.mark.parametrize(
    ("rejected", "taken", "percent", "is_bad"),
    [
        (51, 100, 50, True),
        (50, 100, 50, False),
        (100, 100, 99, True),
        (100, 100, 100, False),
        (19, 19, 50, False),
        (20, 20, 50, True),
        (100, 100, 0, False),
        (0, 0, 50, False),
    ],
)
def test_too_many_rejected_messages_are_bad_where_the_bound_says_so(rejected, taken, percent, is_bad):
    assert bool(proposed(entry_of(rejected=rejected, taken=taken), percent=percent)) == is_bad


def test_a_topic_that_failed_or_was_never_mirrored_has_nowhere_to_go_back_to():
    bad = {"imbalance": "LEDGER_UNBALANCED: 3 rows"}
    assert proposed(entry_of(error="SchemaError: x", **bad)) == []
    assert proposed(entry_of(**bad), mirrors={}) == []
    assert proposed(entry_of(**bad), mirrors={"a": {"cycle_id": CYCLE}}) == []
    assert proposed(entry_of(**bad), mirrors={"a": {"stuck_at": "x"}}) == []


def test_the_first_bad_cycle_says_where_to_for_a_day():
    first = proposed(entry_of(rejected=30, taken=40))
    later = NOW + timedelta(hours=23)
    other = {"a": {"cycle_id": "20261123T114400Z-00000000"}}
    kept = proposed(entry_of(rejected=40, taken=40), before={"proposals": first}, mirrors=other, now=later)
    assert kept == first
    assert proposed(before={"proposals": first}, now=later) == first
    assert proposed(before={"proposals": first}, now=NOW + timedelta(hours=25)) == []
    [anew] = proposed(
        entry_of(rejected=40, taken=40),
        before={"proposals": first},
        mirrors=other,
        now=NOW + timedelta(hours=25),
    )
    assert anew["to_cycle"] == other["a"]["cycle_id"]


@pytest.mark.parametrize("notes", ["x", [1], [{"topic_name": "b"}], {"topic_name": "b"}, None])
def test_what_is_no_note_is_left_out(notes):
    [note] = proposed(entry_of(rejected=30, taken=40), before={"proposals": notes})
    assert note["topic_name"] == "a"


def test_the_item_has_room_for_a_number_of_topics():
    entries = [entry_of(topic=f"t{n}", rejected=20, taken=20) for n in range(proposals.MAX_PROPOSALS + 1)]
    mirrors = {entry.topic: {"cycle_id": BEFORE} for entry in entries}
    assert len(proposed(*entries, mirrors=mirrors)) == proposals.MAX_PROPOSALS
