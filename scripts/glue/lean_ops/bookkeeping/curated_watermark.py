"""Curated's watermark: the cycle up to which cycle_delta has nothing left for any of its topics.

A topic without new rows keeps the checkpoint of its last ones. Without the watermark each run would read
cycle_delta from the oldest of all checkpoints on. The watermark counts only as long as the mirrors have the
checkpoints that they had when it was stored, those of held topics as well: so a hold does not void it. Of
topics that are new, were released, or whose table is behind its mirror, the run reads older cycles besides.
"""

from collections.abc import Mapping

from lean_ops.ports.interfaces import Item
from lean_ops.tables.ops_rows import deterministic_id

_WATERMARK = "looked_through"
_CHECKPOINTS = "looked_checkpoints"
"""The attributes of the item about all topics in DynamoDB. Their names are older than the word watermark."""


def stored_watermark(item: Item | None, checkpoints: Mapping[str, str]) -> str | None:
    """Returns the stored watermark, or None when there is none that counts.

    item: the item about all topics. checkpoints: topic to the last cycle that its mirror says it has taken,
    of all topics with a schema.
    """
    if item is None or item.get(_CHECKPOINTS) != _digest(checkpoints):
        return None
    return item.get(_WATERMARK)


def watermark_item(watermark: str | None, checkpoints: Mapping[str, str]) -> Item:
    """Returns the attributes to store for a watermark and the checkpoints as they are now."""
    return {_WATERMARK: watermark, _CHECKPOINTS: _digest(checkpoints)}


def _digest(checkpoints: Mapping[str, str]) -> str:
    return deterministic_id(*(f"{topic} {checkpoints[topic]}" for topic in sorted(checkpoints)))
