"""Which of RAW's snapshots a cycle reads."""

from dataclasses import dataclass

from lean_ops.ports import ALL_TOPICS, Checkpoints
from lean_ops.tables import CYCLE_ID, Tables

RAW_SNAPSHOT = "lean-ops.raw-snapshot-id"
"""Property of cycle_delta's commits: RAW was read up to and with this snapshot."""
RAW_START = "lean-ops.raw-start-snapshot-id"
"""… and from after this one; "" for from the start."""


class CycleOutOfOrder(Exception):
    """A cycle that sorts before the last one: its share of RAW was taken by a later cycle already."""


class RawHistoryGone(Exception):
    """RAW's snapshots since the last cycle cannot be followed any more."""


@dataclass(frozen=True)
class Taken:
    """What the last cycle took from RAW."""

    cycle_id: str
    snapshot_id: str | None


@dataclass(frozen=True)
class RawRange:
    """after None: from the start. Both are snapshot ids as text."""

    after: str | None
    upto: str


def last_taken(tables: Tables, delta: str, checkpoints: Checkpoints) -> Taken | None:
    """From cycle_delta's commits; from the mirror only when maintenance has expired all of those."""
    commit = tables.last_commit(delta)
    if commit is not None:
        return Taken(commit.cycle_id, commit.properties.get(RAW_SNAPSHOT) or None)
    mirror = checkpoints.get(ALL_TOPICS, "raw")
    if mirror is None or not mirror.get("snapshot_id"):
        return None
    return Taken(str(mirror["cycle_id"]), str(mirror["snapshot_id"]))


def range_to_take(tables: Tables, raw: str, last: Taken | None, cycle_id: str, upto: str) -> RawRange | None:
    """None when there is nothing to take: the cycle has taken its share before, or RAW has nothing new.

    A cycle that runs again keeps the range it committed, whatever `upto` says now: topics have advanced past
    it. Raises CycleOutOfOrder, RawHistoryGone.
    """
    if last is not None and cycle_id < last.cycle_id:
        raise CycleOutOfOrder(
            f"cycle {cycle_id} comes after {last.cycle_id}, which sorts later and has taken RAW's new rows: "
            "start a new cycle instead of running this one again"
        )
    if not upto or (last is not None and (last.cycle_id == cycle_id or last.snapshot_id == upto)):
        return None
    if last is None or last.snapshot_id is None:
        return RawRange(None, upto)
    if last.snapshot_id in tables.ancestors(raw, upto):
        return RawRange(last.snapshot_id, upto)
    if upto in tables.ancestors(raw, last.snapshot_id):
        return None  # the plan is older than what was read since
    raise RawHistoryGone(
        f"{raw} has no way from snapshot {last.snapshot_id}, where the last cycle ended, to {upto}: its "
        "snapshots were expired before they were read, or it was rolled back. Nothing was read and no row of "
        "RAW is lost; keep RAW's snapshots for longer than cycles can fail"
    )


def properties(cycle_id: str, taken: RawRange) -> dict[str, str]:
    return {CYCLE_ID: cycle_id, RAW_SNAPSHOT: taken.upto, RAW_START: taken.after or ""}
