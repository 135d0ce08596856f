"""How the columns of a topic's Standardized table follow its payloads, decided over names only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lean_ops.bookkeeping import drift_log
from lean_ops.bookkeeping.drift_log import Drift
from lean_ops.columns import names

_OWN_COLUMNS = frozenset((*names.ENVELOPE_COLUMNS, names.RESCUED))


@dataclass(frozen=True)
class Evolution:
    """The change of a table's columns.

    added: the columns to add, in one ALTER.
    overflow: the names that get no column, of which only the first are listed, in alphabetical order.
    """

    added: Sequence[str]
    overflow: Sequence[str]


def payload_columns(table_columns: Iterable[str]) -> list[str]:
    return [name for name in table_columns if name not in _OWN_COLUMNS]


def plan(table_columns: Iterable[str], seen: Iterable[str], max_columns: int) -> Evolution:
    """Decides which of the names seen in payloads become columns: the first in alphabetical order, as far as
    there is room, so that a retry decides the same.

    max_columns bounds the payload columns. Beyond it, which names have a column depends on the order in which
    they came. That is the only thing that does not follow from the set of events alone. The values of the
    other names are in rescued_data.
    """
    present = payload_columns(table_columns)
    wanted = sorted(set(seen) - set(present))
    room = max(0, max_columns - len(present))
    return Evolution(wanted[:room], wanted[room:])


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

    listed = evolution.overflow[: drift_log.MAX_RESCUED_LISTED]
    return [
        *(drift(drift_log.COLUMN_ADDED, name, "string") for name in evolution.added),
        *(drift(drift_log.MAX_COLUMNS, name) for name in listed),
        *(drift(drift_log.rescue_of(path), path) for path in rescued_paths),
    ]
