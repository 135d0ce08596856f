"""The pieces in which a topic's history is validated by a new schema: whole cycles of Standardized, in order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_ROWS = 1_000_000
"""Of a piece that is more than one cycle."""


@dataclass(frozen=True)
class Piece:
    """cycles: values of cycle_id; "" stands for rows without one. through: the last of them."""

    cycles: Sequence[str]

    @property
    def through(self) -> str:
        return self.cycles[-1]


def pieces_of(rows_by_cycle: Iterable[tuple[str, int]], after: str | None, max_rows: int) -> list[Piece]:
    """Cycles after the one given, in order, cut so that a piece has at most max_rows, or is one cycle."""
    pieces: list[list[str]] = []
    room = 0
    for cycle, rows in sorted(rows_by_cycle):
        if after is not None and cycle <= after:
            continue
        if not pieces or rows > room:
            pieces.append([])
            room = max_rows
        pieces[-1].append(cycle)
        room -= rows
    return [Piece(piece) for piece in pieces]
