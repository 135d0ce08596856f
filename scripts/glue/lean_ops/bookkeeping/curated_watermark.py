"""How far Curated has looked through cycle_delta for all of its topics.

A topic without new rows keeps the checkpoint of its last ones, and the oldest of all checkpoints would have
each run look at all cycles since. What is kept here saves that, and is believed only while every table still
says of its checkpoint what it said then: a topic that came, or was rolled back, has them looked at again.
"""

from collections.abc import Mapping

from lean_ops.ports.interfaces import Item
from lean_ops.tables.ops_rows import deterministic_id

_THROUGH = "looked_through"
_CHECKPOINTS = "looked_checkpoints"


def looked_through(item: Item | None, checkpoints: Mapping[str, str]) -> str | None:
    """The cycle up to which cycle_delta has nothing that these topics have not taken; None if that is not
    known. item: of ALL_TOPICS. checkpoints: topic to the last cycle that its table has taken."""
    if item is None or item.get(_CHECKPOINTS) != _digest(checkpoints):
        return None
    return item.get(_THROUGH)


def item_of(through: str | None, checkpoints: Mapping[str, str]) -> Item:
    """What to keep, with the checkpoints as they are now."""
    return {_THROUGH: through, _CHECKPOINTS: _digest(checkpoints)}


def _digest(checkpoints: Mapping[str, str]) -> str:
    return deterministic_id(*(f"{topic} {checkpoints[topic]}" for topic in sorted(checkpoints)))
