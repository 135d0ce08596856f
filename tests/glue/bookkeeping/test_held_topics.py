from datetime import UTC, datetime
from decimal import Decimal

import pytest

from lean_ops.bookkeeping import held_topics
from lean_ops.bookkeeping.held_topics import HeldNotesError, Holds, Note

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
C1, C2 = (f"20261123T{hour:02}0000Z-1a2b3c4d" for hour in (9, 10))
ARRIVED = datetime(2026, 11, 23, 8, 57, tzinfo=UTC)


def holds(**items):
    return held_topics.holds_of([{"topic_name": topic, **item} for topic, item in items.items()], NOW)


def test_a_topic_is_held_by_its_status_or_while_ddl_runs():
    seconds = Decimal(int(NOW.timestamp()))
    found = holds(
        a={"status": "MAINTENANCE"},
        b={"status": "REBUILDING"},
        c={"status": "READY", "ddl": {"expires_at": seconds + 1}},
        d={"status": "READY", "ddl": {"expires_at": seconds}},
        e={"status": "ERROR"},
        f={},
        g={"ddl": "odd"},
    )
    assert found.held == {"a": "MAINTENANCE", "b": "REBUILDING", "c": "DDL"}


def test_it_reads_epochs_as_boto3_gives_them_and_takes_0_where_there_is_none():
    found = holds(a={"epoch": Decimal(3)}, b={})
    assert (found.epoch("a"), found.epoch("b"), found.epoch("unknown")) == (3, 0, 0)
    assert type(found.epoch("a")) is int


def test_items_about_tables_and_owners_are_no_topics():
    owner = {"topic_name": "table#a", "owner": "a", "status": "MAINTENANCE", "epoch": 1}
    assert held_topics.holds_of([owner], NOW) == Holds()


def next_notes(before=None, *, held=(), left=None, failed=(), arrivals=None):
    now_held = Holds(dict.fromkeys(held, "MAINTENANCE"))
    return held_topics.next_notes(before or {}, now_held, left or {}, failed, arrivals or {})


def test_a_held_topic_is_noted_with_the_arrival_of_its_first_event_that_is_left():
    assert next_notes(held="a", left={"a": C1}, arrivals={("a", C1): ARRIVED}) == {
        "a": Note(C1, "2026-11-23T08:57:00+00:00")
    }
    assert next_notes(held="a", left={"a": C1}) == {"a": Note(C1, "2026-11-23T09:00:00+00:00")}


def test_the_note_stays_as_long_as_the_topic_is_held_with_new_rows_or_without():
    before = {"a": Note(C1, "then")}
    assert next_notes(before, held="a", left={"a": C2}) == before
    assert next_notes(before, held="a") == before


def test_a_released_topic_loses_its_note_when_it_has_caught_up_and_not_when_it_failed():
    before = {"a": Note(C1, "then"), "b": Note(C2, "then")}
    assert next_notes(before, failed=["b"]) == {"b": before["b"]}


def test_a_stuck_topic_is_noted_with_the_first_cycle_that_it_has_not_taken_and_keeps_that_note():
    first = {"a": Note(C1, "2026-11-23T09:00:00+00:00")}
    assert next_notes(left={"a": C1}, failed=["a"]) == first
    assert next_notes(first, left={"a": C2}, failed=["a"]) == first


def test_notes_come_out_of_the_item_as_they_went_in_the_oldest_first():
    notes = {"a": Note(C2, "x"), "b": Note(C1, "y")}
    item = held_topics.item_of(notes)
    assert [one["topic_name"] for one in item] == ["b", "a"]
    assert held_topics.notes_of({held_topics.HELD: item}) == notes
    assert held_topics.notes_of(None) == held_topics.notes_of({}) == {}


def test_what_has_no_room_in_the_item_are_the_newest():
    notes = {f"t{n}": Note(f"2026{n:06}", "") for n in range(held_topics.MAX_HELD + 5)}
    kept = held_topics.notes_of({held_topics.HELD: held_topics.item_of(notes)})
    assert sorted(kept) == sorted(f"t{n}" for n in range(held_topics.MAX_HELD))


@pytest.mark.parametrize("odd", ["a", 7, ["a"], [{"topic_name": "a"}], {"a": "b"}])
def test_a_note_in_another_form_ends_the_run_as_a_hole_would_be_silent(odd):
    with pytest.raises(HeldNotesError, match="checkpoint table"):
        held_topics.notes_of({held_topics.HELD: odd})


def test_released_are_those_that_are_noted_and_not_held_any_more():
    notes = {"a": Note(C1, ""), "b": Note(C2, "")}
    assert held_topics.released(notes, Holds({"a": "MAINTENANCE"})) == {"b": C2}
