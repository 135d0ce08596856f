"""The fence of a topic's tables: which writers may still commit.

An operation that takes a topic over raises the epoch, a number in the table's own metadata. A run reads the
epoch of its topics in the registry when it begins, and commits only to tables whose epoch is no higher. So a
run that planned before the operation cannot commit after it, however long it was away.

docs/decisions/0036-the-fence.md says why it is compared in the commit itself.
"""

from typing import Any

from lean_ops.errors import LeanOpsError
from lean_ops.tables.commits import TableError

EPOCH = "lean-ops.epoch"
"""The property of a table that has its epoch, as decimal text; a table without it has the epoch 0. Each
commit of the library carries its writer's epoch in its summary, under the same name."""


class FencedError(LeanOpsError):
    """The topic was taken over by an operation after this run had planned it. Nothing was committed.

    epoch: that of the table. writer_epoch: that which the run read when it began.
    """

    def __init__(self, table: str, epoch: int, writer_epoch: int) -> None:
        name = ".".join(part.strip("`") for part in table.split(".")[1:])
        super().__init__(
            f"FENCED: an operation has taken {name} over (epoch {epoch}) after this run began (epoch "
            f"{writer_epoch}), so the run has committed nothing to it. A later cycle takes the topic on: see "
            "lean-ops topic status"
        )
        self.table = table
        self.epoch = epoch
        self.writer_epoch = writer_epoch


def epoch_of(properties: Any, table: str) -> int:
    """The epoch of a table. properties: those of its metadata, as a mapping of Python or of Java.

    Raises TableError when the property is no number: nobody can tell then who may write.
    """
    text = properties.get(EPOCH)
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit()):
        raise TableError(f"{table} has the property {EPOCH} = {text!r}, which is no number")
    return int(text)


def check(properties: Any, table: str, writer_epoch: int) -> None:
    """Raises FencedError when a table with these properties is closed to a writer of this epoch.

    A lower epoch of the table is no reason to refuse: the registry's is raised first, and an operation that
    died in between has not fenced the table yet.
    """
    epoch = epoch_of(properties, table)
    if epoch > writer_epoch:
        raise FencedError(table, epoch, writer_epoch)


def raised(properties: Any, table: str, writer_epoch: int) -> dict[str, str]:
    """The property that a table with these properties gets with a commit of this epoch; none where it has
    that epoch.

    So whoever began under a lower epoch is shut out as soon as somebody has written under a higher one, also
    where no operation has raised the table's: a compaction that was cancelled only raises the registry's.
    """
    return {} if epoch_of(properties, table) >= writer_epoch else {EPOCH: str(writer_epoch)}
