"""Where a topic's table stands: what its own commits say, beside what the mirror remembers of them.

The mirror says what a table had once reached. A table that is behind its mirror was moved back: by an
operation, by somebody's rollback, or because somebody made it anew. The jobs take it on from where it is.
What an operation has moved is on record with it; of the rest they tell people once.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from lean_ops.bookkeeping import drift_log
from lean_ops.bookkeeping.drift_log import Drift
from lean_ops.ports.interfaces import Item
from lean_ops.tables.ancestry import Ancestry
from lean_ops.tables.commits import Commit
from lean_ops.tables.ops_rows import to_frame
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import TopicTable

TABLE_ROLLED_BACK = "TABLE_ROLLED_BACK"


@dataclass(frozen=True)
class Position:
    """Where a topic's table stands.

    last: the table's last commit; None where it has none, or none any more. mirror: the topic's item; None
    before its first commit. is_moved_back: whether the table lacks commits that the mirror remembers.
    moved_by: the operation that has moved it back; None where it was somebody else.
    """

    last: Commit | None
    mirror: Item | None
    is_moved_back: bool
    moved_by: str | None = None

    @property
    def has_expired(self) -> bool:
        """Whether the commits have expired and are still in force, so that the mirror says what they said."""
        return self.last is None and self.mirror is not None and not self.is_moved_back

    @property
    def reached(self) -> str | None:
        """The last cycle that made a commit which is in force; None before the first."""
        if self.last is not None:
            return self.last.cycle_id
        return str(self.mirror["cycle_id"]) if self.mirror is not None and self.has_expired else None

    @property
    def remembered(self) -> str | None:
        """The last cycle that made a commit, in force or not; None before the first."""
        return self.reached if self.mirror is None else str(self.mirror["cycle_id"])


def position_of(table: TopicTable, mirror: Item | None) -> Position:
    """Returns where a table stands. mirror: the topic's item in the layer."""
    found = position(table.last_commit(), mirror, table.ancestry)
    return replace(found, moved_by=_moved_by(table, mirror)) if found.is_moved_back else found


def _moved_by(table: TopicTable, mirror: Item | None) -> str | None:
    """The operation that has moved a table back which has not caught up since: then its mirror is still as it
    was when the table was moved."""
    moved = table.moved()
    known = (mirror or {}).get("snapshot_id", "")
    return moved.operation_id if moved is not None and moved.mirrored == known else None


def position(last: Commit | None, mirror: Item | None, ancestry: Callable[[], Ancestry]) -> Position:
    """Returns where a table stands by its last commit. ancestry: how far back its snapshots are kept, which
    is looked up only where it matters."""
    if mirror is None:
        return Position(last, None, is_moved_back=False)
    if last is not None:
        return Position(last, mirror, is_moved_back=last.cycle_id < str(mirror["cycle_id"]))
    number = mirror.get("sequence_number")
    return Position(None, mirror, ancestry().lacks(None if number is None else int(number)))


def record_moved_back(
    tables: Tables,
    moved: Mapping[str, Position],
    *,
    layer: str,
    cycle_id: str,
    at: datetime,
    log: Callable[..., None],
) -> None:
    """Tells people which tables were moved back: a line in the log and a row in drift_log for each. Those
    that an operation has moved are on record already.

    moved: topic to where its table stands. cycle_id: that of the run, which takes the tables on.
    """
    for topic, position in moved.items():
        if position.moved_by is not None:
            log(
                "table rewound",
                topic_name=topic,
                layer=layer,
                operation_id=position.moved_by,
                from_cycle_id=position.remembered,
                to_cycle_id=position.reached,
            )
    moved = {topic: position for topic, position in moved.items() if position.moved_by is None}
    if not moved:
        return
    for topic, position in moved.items():
        log(
            "table moved",
            level="WARN",
            topic_name=topic,
            layer=layer,
            from_cycle_id=position.remembered,
            from_snapshot_id=(position.mirror or {}).get("snapshot_id"),
            to_cycle_id=position.reached,
            to_snapshot_id=None if position.last is None else position.last.snapshot_id,
        )
    rows = [drift_log.row_of(one, at) for one in _drift_of(moved, layer, cycle_id)]
    frame = to_frame(tables.spark, rows, drift_log.SCHEMA).coalesce(1)
    tables.append_new(frame, tables.name("ops", drift_log.TABLE), "drift_id")


def _drift_of(moved: Mapping[str, Position], layer: str, cycle_id: str) -> Iterable[Drift]:
    for topic, position in moved.items():
        yield Drift(
            topic=topic,
            change_type=drift_log.TABLE_ROLLED_BACK,
            column_name=None,
            cycle_id=cycle_id,
            old_value=position.remembered,
            new_value=position.reached,
            layer=layer,
            source=drift_log.TABLE_HISTORY,
        )
