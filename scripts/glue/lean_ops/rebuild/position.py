"""Where the live tables of a topic stand. A rebuild takes them no further and no less far: a swap changes
rows, and no checkpoint."""

from dataclasses import dataclass

from lean_ops.bookkeeping.operation import OperationError
from lean_ops.bookkeeping.table_position import Position, position_of
from lean_ops.columns import names
from lean_ops.curated.advance import Checkpoint
from lean_ops.ports.interfaces import Checkpoints
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import TopicTable


@dataclass(frozen=True)
class LiveTable:
    """A live table as loaded, its full name, and where it stands."""

    name: str
    table: TopicTable
    position: Position

    @property
    def reached(self) -> str:
        """The last cycle that it has a commit of; "" before the first."""
        return self.position.reached or ""

    @property
    def checkpoint(self) -> Checkpoint | None:
        """That of a Curated table; None before its first commit."""
        if self.position.last is not None:
            return Checkpoint.of(self.position.last)
        mirror = self.position.mirror
        if mirror is None or not self.position.has_expired:
            return None
        return Checkpoint(str(mirror["delta_through"]), int(mirror["schema_version"]))


def live_table(
    tables: Tables, checkpoints: Checkpoints, layer: str, topic: str, epoch: int = 0
) -> LiveTable | None:
    """Loads a topic's table of a layer; None where it has none. epoch: that of the writer."""
    own = names.table_name(topic)
    if own not in tables.listed(layer):
        return None
    name = tables.name(layer, own)
    table = TopicTable(tables.spark, name, epoch)
    return LiveTable(name, table, position_of(table, checkpoints.get(topic, layer)))


def standardized_of(tables: Tables, checkpoints: Checkpoints, topic: str, epoch: int = 0) -> LiveTable:
    """As live_table, for a table that has to be there. Raises OperationError where it is not, or has taken
    nothing yet."""
    found = live_table(tables, checkpoints, "standardized", topic, epoch)
    if found is None or not found.reached:
        raise OperationError(f"NOTHING_TO_REBUILD: no cycle has taken anything of {topic} yet")
    return found
