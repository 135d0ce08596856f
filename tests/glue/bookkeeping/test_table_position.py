"""Whether a table was moved back, from what its snapshots still say, beside random histories of which all is
known."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from budget import budget
from hypothesis import given, settings
from hypothesis import strategies as st

from lean_ops.bookkeeping.table_position import position
from lean_ops.tables.ancestry import Ancestry
from lean_ops.tables.commits import CYCLE_ID, Commit


@dataclass
class Table:
    """A table's snapshots as they really came about, those that are still kept, and the mirror of it.

    parents: snapshot to the one before it, None for a first one. ours: snapshot to the cycle of our commit.
    """

    parents: dict[int, int | None] = field(default_factory=dict)
    ours: dict[int, str] = field(default_factory=dict)
    kept: set[int] = field(default_factory=set)
    current: int | None = None
    mirror: dict[str, object] | None = None
    cycles: int = 0

    def commit(self, is_ours: bool) -> None:
        snapshot = len(self.parents) + 1
        self.parents[snapshot] = self.current
        self.kept.add(snapshot)
        self.current = snapshot
        if is_ours:
            self.cycles += 1
            self.ours[snapshot] = f"c{self.cycles:03d}"
            self.mirror = {
                "cycle_id": self.ours[snapshot],
                "sequence_number": snapshot,
                "snapshot_id": snapshot,
            }

    def expire(self, chosen: int) -> None:
        """Any snapshot but the current one may go: the oldest first by AWS's rules, others by those of
        people."""
        gone = sorted(self.kept - {self.current})
        if gone:
            self.kept.discard(gone[chosen % len(gone)])

    def roll_back(self, chosen: int) -> None:
        kept = [one for one in self.ancestors(self.current) if one in self.kept]
        self.current = [*kept, None][chosen % (len(kept) + 1)]

    def ancestors(self, snapshot: int | None):
        while snapshot is not None:
            yield snapshot
            snapshot = self.parents[snapshot]

    @property
    def is_undone(self) -> bool:
        return self.mirror is not None and self.mirror["snapshot_id"] not in self.ancestors(self.current)

    def position(self):
        """As the library sees the table: up to the first snapshot that is gone."""
        seen = []
        for one in self.ancestors(self.current):
            if one not in self.kept:
                break
            seen.append(one)
        last = next((one for one in seen if one in self.ours), None)
        is_whole = not seen or self.parents[seen[-1]] is None
        ancestry = Ancestry(is_whole, seen[-1] if seen else None)
        return position(
            None if last is None else commit_of(last, self.ours[last]), self.mirror, lambda: ancestry
        )


def commit_of(snapshot: int, cycle: str) -> Commit:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    return Commit(
        snapshot_id=str(snapshot), committed_at=at, properties={CYCLE_ID: cycle}, sequence_number=snapshot
    )


commits = st.sampled_from([("commit", True), ("commit", False)])
expiry = st.tuples(st.just("expire"), st.sampled_from([0, 0, 0, 1, 2]))
moves = st.tuples(st.just("roll_back"), st.integers(0, 9))
steps = st.tuples(
    st.lists(commits, min_size=1, max_size=6),
    st.lists(expiry, max_size=4),
    st.lists(moves, max_size=1),
    st.lists(st.one_of(commits, expiry, moves), max_size=6),
).map(lambda drawn: [step for part in drawn for step in part])
"""A table that some have written, of which the oldest snapshots expired, and that was moved; and whatever
follows."""


@settings(max_examples=budget(each_run=200, thorough=5000))
@given(steps, st.booleans())
def test_what_others_do_is_a_move_back_only_where_it_undoes_our_last_commit(done, has_numbers):
    """It is seen at the latest by a look right after it; and compaction, deletes and expiry are no moves."""
    table = Table()
    for name, argument in done:
        before = table.is_undone
        getattr(table, name)(argument)
        if table.mirror is not None and not has_numbers:
            table.mirror.pop("sequence_number", None)
        found = table.position()
        if not table.is_undone:
            assert not found.is_moved_back, done
            if table.mirror is not None:
                assert found.reached == table.mirror["cycle_id"]
        elif not before and has_numbers:
            assert found.is_moved_back, done
            assert found.remembered == table.mirror["cycle_id"]
            assert found.reached is None or found.reached < found.remembered


@pytest.mark.parametrize("number", [None, 7])
def test_a_table_without_a_mirror_is_nowhere_else(number):
    last = commit_of(5, "c001") if number else None
    found = position(last, None, lambda: pytest.fail("nothing has to be looked up"))
    assert not found.is_moved_back
    assert found.reached == found.remembered == (last and "c001")
