"""Decides which snapshots of a table are expired.

A count bounds what is kept, so that a table's metadata stays as small after a year as after a week. What
somebody still needs is kept above that bound: a snapshot that a tag or a branch names, those that a job has
not read yet, and the last commit that carries a checkpoint.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

KEPT_SNAPSHOTS = 20
"""How many of the newest snapshots of a branch are kept. A topic's table gains one in a cycle, so that a
reader has five hours for the one that it began with. Every commit reads and writes all of them."""
UNNAMED_FOR = timedelta(days=1)
"""For how long a snapshot is kept that no branch leads to: a writer may have staged it and not published it
yet."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A snapshot of a table.

    sequence: its sequence number, by which snapshots are in the order of their commits.
    has_checkpoint: whether it carries a checkpoint of this library.
    """

    snapshot_id: int
    parent_id: int | None
    committed_at: datetime
    sequence: int = 0
    has_checkpoint: bool = False


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What is kept of a table's snapshots.

    now: an aware time. daily_for_days: for so many days back the newest snapshot of each day is kept, with
    those back to its checkpoint; 0 for none. needed_after: the snapshots up to which somebody has read the
    table; they are kept, and all that came after them. needs_all: nothing may be expired, since nothing was
    read yet.
    """

    now: datetime
    daily_for_days: int = 0
    kept: int = KEPT_SNAPSHOTS
    needed_after: Collection[int] = ()
    needs_all: bool = False


@dataclass(frozen=True, kw_only=True)
class TableSnapshots:
    """The snapshots of a table. current: the one that readers see. branches, tags: the snapshots that they
    name, without those of `main`. undo_tags: those that are named so that an operation can be undone."""

    snapshots: Sequence[Snapshot]
    current: int | None
    branches: Collection[int] = ()
    tags: Collection[int] = ()
    undo_tags: Collection[int] = ()
    by_id: Mapping[int, Snapshot] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_id", {one.snapshot_id: one for one in self.snapshots})

    def lineage(self, snapshot_id: int | None) -> Iterator[Snapshot]:
        """The snapshot and those before it, newest first, as far as they are there."""
        found = None if snapshot_id is None else self.by_id.get(snapshot_id)
        while found is not None:
            yield found
            found = None if found.parent_id is None else self.by_id.get(found.parent_id)


def snapshots_to_expire(table: TableSnapshots, rules: Rules) -> list[int]:
    """The ids of the snapshots that are expired, oldest first.

    Of the current branch all snapshots since the last checkpoint stay, because the jobs look for it along the
    parents and a gap would hide it.
    """
    if rules.needs_all or table.current is None:
        return []
    lineage = list(table.lineage(table.current))
    if not all(_reaches(lineage, needed) for needed in rules.needed_after):
        return []
    kept = {*table.tags}
    for branch in (table.current, *table.branches):
        kept |= {one.snapshot_id for _, one in zip(range(rules.kept), table.lineage(branch), strict=False)}
    kept |= _through_checkpoint(lineage)
    for needed in rules.needed_after:
        kept |= _through(lineage, needed)
    own = {one.snapshot_id for one in lineage}
    # Expiry leaves gaps, behind which a former snapshot of the branch looks as one that was rolled back.
    others = [one for one in table.snapshots if one.snapshot_id not in own]
    for tagged in table.undo_tags:
        kept |= _until(table, tagged, own)
    kept |= {*_days(table, lineage, rules), *_days(table, others, rules)}
    kept |= {one.snapshot_id for one in others if rules.now - one.committed_at < UNNAMED_FOR}
    gone = [one for one in table.snapshots if one.snapshot_id not in kept]
    return [one.snapshot_id for one in sorted(gone, key=lambda one: (one.sequence, one.committed_at))]


def first_sequence_since(table: TableSnapshots, since: datetime) -> int | None:
    """The sequence number of the oldest of the kept snapshots that were committed at this time or later; None
    when there is none. since: an aware time."""
    return min((one.sequence for one in table.snapshots if one.committed_at >= since), default=None)


def checkpoint_is_far(table: TableSnapshots, kept: int = KEPT_SNAPSHOTS) -> bool:
    """Whether so many commits of others came after the last checkpoint that it is to be carried over to a new
    commit. Otherwise snapshots would be kept without bound for its sake."""
    for behind, one in enumerate(table.lineage(table.current)):
        if one.has_checkpoint:
            return behind >= kept
    return False


def _reaches(lineage: Sequence[Snapshot], needed_after: int) -> bool:
    """Whether the branch leads to the snapshot up to which the table was read. Where it does not, as after a
    rollback, nothing tells what is still needed."""
    last = lineage[-1] if lineage else None
    ids = {one.snapshot_id for one in lineage}
    # It may have expired itself.
    return needed_after in ids or (last is not None and last.parent_id == needed_after)


def _through(lineage: Sequence[Snapshot], snapshot_id: int) -> set[int]:
    """The snapshots after the given one, and itself."""
    found = set()
    for one in lineage:
        found.add(one.snapshot_id)
        if one.snapshot_id == snapshot_id:
            break
    return found


def _through_checkpoint(lineage: Sequence[Snapshot]) -> set[int]:
    last = next((one for one in lineage if one.has_checkpoint), None)
    return set() if last is None else _through(lineage, last.snapshot_id)


def _until(table: TableSnapshots, tagged: int, own: Collection[int]) -> set[int]:
    """A snapshot that an undo would make current, and those before it that the current branch lacks: by their
    commits the ledger's entries are restored."""
    found = set()
    for one in table.lineage(tagged):
        if one.snapshot_id in own:
            break
        found.add(one.snapshot_id)
    return found


def _days(table: TableSnapshots, snapshots: Sequence[Snapshot], rules: Rules) -> set[int]:
    """The newest snapshot of each day, and those of that branch back to the checkpoint with which the jobs
    would take the table on from there. Where more commits of others came after it than a branch keeps, the
    day's last checkpoint is kept by itself."""
    found: set[int] = set()
    for newest in _newest_of_days(snapshots, rules):
        found.add(newest.snapshot_id)
        lineage = [one for _, one in zip(range(rules.kept), table.lineage(newest.snapshot_id), strict=False)]
        found |= _through_checkpoint(lineage)
    with_checkpoint = [one for one in snapshots if one.has_checkpoint]
    return found | {one.snapshot_id for one in _newest_of_days(with_checkpoint, rules)}


def _newest_of_days(snapshots: Sequence[Snapshot], rules: Rules) -> list[Snapshot]:
    oldest = (rules.now - timedelta(days=rules.daily_for_days)).date()
    newest: dict[object, Snapshot] = {}
    for one in snapshots:
        day = one.committed_at.date()
        known = newest.get(day)
        if day > oldest and (known is None or _order(known) < _order(one)):
            newest[day] = one
    return list(newest.values()) if rules.daily_for_days else []


def _order(one: Snapshot) -> tuple[int, datetime]:
    return one.sequence, one.committed_at
