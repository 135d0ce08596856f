"""The batches in which a new schema version validates a topic's older rows: whole cycles of Standardized, in
order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_ROWS = 1_000_000
"""The rows of a batch that consists of more than one cycle."""


@dataclass(frozen=True)
class BackfillBatch:
    """Some cycles of a backfill, by their cycle_id in order; "" stands for rows without one."""

    cycles: Sequence[str]

    @property
    def through(self) -> str:
        return self.cycles[-1]


def backfill_batches(
    rows_by_cycle: Iterable[tuple[str, int]], after: str | None, max_rows: int
) -> list[BackfillBatch]:
    """Returns the cycles after `after` in batches, in order. A batch has at most max_rows, or is one
    cycle."""
    batches: list[list[str]] = []
    room = 0
    for cycle, rows in sorted(rows_by_cycle):
        if after is not None and cycle <= after:
            continue
        if not batches or rows > room:
            batches.append([])
            room = max_rows
        batches[-1].append(cycle)
        room -= rows
    return [BackfillBatch(cycles) for cycles in batches]
