from datetime import UTC, datetime, timedelta

import pytest

from lean_ops.bookkeeping import held_topics, ledger, left_behind
from lean_ops.bookkeeping.held_topics import Note
from lean_ops.bookkeeping.run_outcome import RunOutcome

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CYCLE = "20261123T114500Z-1a2b3c4d"
ARRIVED = datetime(2026, 11, 23, 11, 33, tzinfo=UTC)


def outcome_of(**errors):
    outcome = RunOutcome()
    for topic, error in errors.items():
        outcome.enter(entry_of(topic, error=error))
    return outcome


def entry_of(topic, cycle_id=CYCLE, **more):
    return ledger.Entry(
        topic=topic, layer="standardized", cycle_id=cycle_id, started_at=NOW, finished_at=NOW, **more
    )


def items(outcome, before=None, arrivals=None, now=NOW):
    return left_behind.items_of(outcome, before, arrivals or {}, cycle_id=CYCLE, now=now)


def test_it_names_failed_topics_with_the_arrival_of_their_oldest_event():
    found = items(outcome_of(a="SchemaError: x"), arrivals={("a", CYCLE): ARRIVED})
    assert found["behind"] == [
        {
            "topic_name": "a",
            "since": "2026-11-23T11:33:00+00:00",
            "cycle_id": CYCLE,
            "error": "SchemaError: x",
        }
    ]


def test_it_goes_by_the_time_of_the_cycle_where_the_arrival_is_not_known():
    [note] = items(outcome_of(a="x"))["behind"]
    assert note["since"] == "2026-11-23T11:45:00+00:00"


def test_it_keeps_the_time_of_a_topic_that_was_behind_before_and_takes_the_new_error():
    before = items(outcome_of(a="x"), arrivals={("a", CYCLE): ARRIVED})
    [note] = items(outcome_of(a="y"), before=before, now=NOW + timedelta(hours=3))["behind"]
    assert (note["since"], note["error"]) == ("2026-11-23T11:33:00+00:00", "y")


def test_it_forgets_a_topic_that_has_caught_up_and_counts_anew_when_it_fails_again():
    before = items(outcome_of(a="x"), arrivals={("a", CYCLE): ARRIVED})
    caught_up = items(RunOutcome(), before=before)
    assert caught_up["behind"] == []
    [note] = items(outcome_of(a="x"), before=caught_up)["behind"]
    assert note["since"] == "2026-11-23T11:45:00+00:00"


def test_it_fits_into_an_item_of_dynamodb_whatever_the_errors():
    outcome = RunOutcome()
    for n in range(1_500):
        topic = f"{'t' * 123}{n:05}"
        outcome.enter(entry_of(topic, error="ü" * 4_000))
        outcome.enter(entry_of(topic, imbalance="ü" * 4_000))
        outcome.skipped[topic] = "no active schema"
    notes = {f"{'t' * 123}{n:05}": Note(CYCLE, "2026-11-23T11:33:00+00:00") for n in range(1_500)}
    found = {**items(outcome), held_topics.HELD: held_topics.item_of(notes)}
    assert len(found["held"]) == held_topics.MAX_HELD
    assert len(found["behind"]) == left_behind.MAX_BEHIND
    assert len(found["unbalanced"]) == left_behind.MAX_UNBALANCED
    # DynamoDB counts names and texts in UTF-8, and a few bytes for each list, map and member.
    skipped = left_behind.skipped_of(outcome)
    assert len(skipped) == left_behind.MAX_SKIPPED
    size = sum(
        4 + sum(1 + len(name) + len(text.encode()) for name, text in note.items())
        for notes in found.values()
        for note in notes
    ) + sum(4 + len(topic) for topic in skipped)
    assert size < 390_000


@pytest.mark.parametrize("kind", ["behind", "unbalanced"])
@pytest.mark.parametrize(
    "odd", [None, "a", 7, {"a": "x"}, ["a"], [{}], [{"topic_name": "a"}], [{"topic_name": "a", "since": 5}]]
)
def test_it_goes_on_without_what_is_no_note_of_its_own(kind, odd):
    [note] = items(outcome_of(a="x"), before={kind: odd})["behind"]
    assert note["since"] == "2026-11-23T11:45:00+00:00"


def test_unbalanced_keeps_a_topic_for_a_day_as_it_is_found_unbalanced_once():
    outcome = RunOutcome()
    outcome.enter(entry_of("a", imbalance="LEDGER_UNBALANCED: …"))
    first = items(outcome)
    assert first["behind"] == []
    later = items(RunOutcome(), before=first, now=NOW + timedelta(hours=23))
    assert later["unbalanced"] == first["unbalanced"]
    assert items(RunOutcome(), before=later, now=NOW + timedelta(hours=25))["unbalanced"] == []
