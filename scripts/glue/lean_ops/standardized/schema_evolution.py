"""How a topic's Standardized table follows its payloads: a pure decision over names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lean_ops.bookkeeping import drift_log
from lean_ops.bookkeeping.drift_log import Drift
from lean_ops.columns import names

_OWN_COLUMNS = frozenset((*names.ENVELOPE_COLUMNS, names.RESCUED))


@dataclass(frozen=True)
class Evolution:
    """added: columns to add, in one ALTER. overflow: names that got no column (the first of them, by
    name)."""

    added: Sequence[str]
    overflow: Sequence[str]


def payload_columns(table_columns: Iterable[str]) -> list[str]:
    return [name for name in table_columns if name not in _OWN_COLUMNS]


def plan(table_columns: Iterable[str], seen: Iterable[str], max_columns: int) -> Evolution:
    """Which of the names seen become columns: by name, as far as there is room, so that a retry decides the
    same.

    max_columns bounds payload columns. Past it the table depends on which columns came first: the one thing
    that does not follow from the set of events alone. Their values are in rescued_data.
    """
    present = payload_columns(table_columns)
    wanted = sorted(set(seen) - set(present))
    room = max(0, max_columns - len(present))
    return Evolution(wanted[:room], wanted[room:])


def drift_of(
    topic: str, cycle_id: str, evolution: Evolution, rescued_paths: Iterable[str], created: bool
) -> list[Drift]:
    """What to put on record, before anything is changed: after a crash in between, nothing would be new any
    more."""
    found = [Drift(topic, drift_log.TABLE_CREATED, None, cycle_id)] if created else []
    found += [Drift(topic, drift_log.COLUMN_ADDED, name, cycle_id, "string") for name in evolution.added]
    listed = evolution.overflow[: drift_log.MAX_RESCUED_LISTED]
    found += [Drift(topic, drift_log.MAX_COLUMNS, name, cycle_id) for name in listed]
    found += [Drift(topic, drift_log.rescue_of(path), path, cycle_id) for path in rescued_paths]
    return found
