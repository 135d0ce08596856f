"""How the columns of a topic's Standardized table follow its payloads, decided over paths only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lean_ops.bookkeeping import drift_log
from lean_ops.bookkeeping.drift_log import Drift
from lean_ops.columns import names
from lean_ops.columns.column_paths import column_paths, has_column, new_column_paths

_OWN_COLUMNS = frozenset((*names.ENVELOPE_COLUMNS, names.RESCUED))


@dataclass(frozen=True, kw_only=True)
class Evolution:
    """The change of a table's columns.

    added: the columns to add, in one change of the table, with their comments; None where no path has them.
    comments: columns that were free, with the comments of the paths that have them now.
    overflow: the names that get no column, of which only the first are listed, in alphabetical order.
    collisions: the paths that another path keeps from their column, of which only the first are listed.
    column_paths: which path has which column from now on, those of `overflow` included.
    may_overflow: whether there may be names that get no column, listed or not.
    """

    added: Mapping[str, str | None] = field(default_factory=dict)
    comments: Mapping[str, str] = field(default_factory=dict)
    overflow: Sequence[str] = ()
    collisions: Sequence[str] = ()
    column_paths: Mapping[str, str] = field(default_factory=dict)
    may_overflow: bool = False


def max_paths(max_columns: int) -> int:
    """Returns how many paths of a topic are listed: two more than a table may have columns, and as many as
    drift_log lists besides, whatever columns the table has already."""
    return max_columns + drift_log.MAX_RESCUED_LISTED + 2


def payload_columns(table_columns: Iterable[str]) -> list[str]:
    return [name for name in table_columns if name not in _OWN_COLUMNS]


def plan(table_columns: Mapping[str, str | None], paths: Iterable[str], max_columns: int) -> Evolution:
    """Decides which of the paths seen in payloads become columns: the first columns in alphabetical order, as
    far as there is room, so that a retry decides the same.

    table_columns: the table's columns with their comments. max_columns bounds the payload columns. Beyond it,
    which columns there are depends on the order in which they came, and so does which of several paths has a
    column. All else follows from the set of events alone. The values of the others are in rescued_data.
    """
    seen = list(paths)
    present = {name: table_columns[name] for name in payload_columns(table_columns)}
    known = column_paths(present)
    new = new_column_paths(known, seen)
    now = known | new
    wanted = sorted({names.column_of(path) for path in seen if has_column(path, now)} - present.keys())
    room = max(0, max_columns - len(present))
    return Evolution(
        added={column: new.get(column) for column in wanted[:room]},
        comments={column: comment for column, comment in new.items() if column in present},
        overflow=wanted[room:],
        collisions=sorted(path.removeprefix(names.ROOT) for path in seen if not has_column(path, now)),
        column_paths=now,
        # Where the listing is full, paths may have been cut from it.
        may_overflow=len(wanted) > room or len(seen) >= max_paths(max_columns),
    )


def drift_of(topic: str, cycle_id: str, evolution: Evolution, rescued_paths: Iterable[str]) -> list[Drift]:
    """Returns the changes to put on record.

    They must be recorded before the table is altered: after a crash in between, no column would be new any
    more.
    """

    def drift(change_type: str, column_name: str | None, new_value: str | None = None) -> Drift:
        return Drift(
            topic=topic,
            change_type=change_type,
            column_name=column_name,
            cycle_id=cycle_id,
            new_value=new_value,
        )

    most = drift_log.MAX_RESCUED_LISTED
    return [
        *(drift(drift_log.COLUMN_ADDED, name, "string") for name in evolution.added),
        *(drift(drift_log.MAX_COLUMNS, name) for name in evolution.overflow[:most]),
        *(drift(drift_log.NAME_COLLISION, path) for path in evolution.collisions[:most]),
        *(drift(drift_log.rescue_of(path), path) for path in rescued_paths),
    ]
