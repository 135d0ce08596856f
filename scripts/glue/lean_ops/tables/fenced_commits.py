"""Commits to tables, each of which compares the table's epoch with the writer's in the compare-and-swap.

The catalog replaces a table's metadata only if it is still the one that the commit was made from (the base).
So what the base says at that moment is what counts. Iceberg's own `update.commit()` makes the base anew when
another commit was faster, and asks nobody: it would pass a fence that has come meanwhile. Therefore the loop
over lost races is here, and compares the epoch in each turn.
"""

import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from py4j.protocol import Py4JJavaError

from lean_ops.spark.catalog_calls import COMMIT, LOAD
from lean_ops.spark.iceberg_classes import Iceberg
from lean_ops.spark.java_api import COMMIT_FAILED
from lean_ops.tables.fence import EPOCH, check, raised
from lean_ops.tables.metadata_files import missing_properties

_TRIES = 8
"""Athena's DDL, compaction and operations commit to a topic's table, too, but none of them often."""
_FIRST_WAIT = 0.1
"""Seconds before the second try, at most. Each wait may be twice as long as the one before."""

Accept = Callable[[Any], None]
"""Raises where the metadata that a commit builds on (Iceberg's TableMetadata, in Java) is not what the commit
was decided on."""


def _any_metadata(base: Any) -> None:
    """Accepts whatever the commit's own validation accepts."""


Change = Callable[[Any], tuple[Any, Any]]
"""Brings a table's operations (Iceberg's TableOperations, in Java) up to date. Returns the metadata that it
found and the metadata to put in its place, which is None when there is nothing to change."""


def commit_metadata(iceberg: Iceberg, loaded: Any, name: str, epoch: int, change: Change) -> Any:
    """Replaces a table's metadata, and gives the metadata that is in force then.

    loaded: Iceberg's own Table, in Java. name: its full name. epoch: the writer's. change: is called again
    after each race that was lost. Raises FencedError, what `change` raises, and Java's CommitFailedException
    when all races were lost.
    """
    operations = loaded.operations()
    for tries_left in reversed(range(_TRIES)):
        with iceberg.calls.made(LOAD + COMMIT, "commit", name):
            try:
                base, metadata = change(operations)
            except Py4JJavaError:
                # What Iceberg refused is of no interest to a writer that may not commit anyway.
                check(operations.current().properties(), name, epoch)
                raise
            check(base.properties(), name, epoch)
            if metadata is None:
                return base
            try:
                operations.commit(base, metadata)
            except Py4JJavaError as error:
                if not tries_left or error.java_exception.getClass().getName() != COMMIT_FAILED:
                    raise
            else:
                return metadata
        time.sleep(random.uniform(0, _FIRST_WAIT * 2 ** (_TRIES - 1 - tries_left)))
    raise AssertionError("the last try returns or raises")


def commit_snapshot(
    iceberg: Iceberg,
    loaded: Any,
    name: str,
    epoch: int,
    update: Any,
    properties: Mapping[str, str],
    wanted: Mapping[str, str],
    accept: Accept = _any_metadata,
) -> Any:
    """Makes a new snapshot the table's current one, and gives the table's new metadata.

    update: the change of files (Iceberg's SnapshotUpdate, in Java), with all that it has to validate, which
    it does anew after each race that was lost. properties: what the snapshot's summary carries besides the
    epoch. wanted: properties that the table gets in the same commit where it has none of that name. It gets
    the writer's epoch in any case. accept: is asked in each turn, for what Iceberg has no validation of.
    Raises as commit_metadata does, what `accept` raises, and Java's ValidationException.

    A commit that is refused leaves the files that were written for it, and the manifests that name them.
    Nothing refers to them, and the removal of orphans takes them away. A snapshot that was refused is never
    part of the table's metadata.
    """
    for key, value in {**properties, EPOCH: str(epoch)}.items():
        update.set(key, value)

    def change(operations: Any) -> tuple[Any, Any]:
        # This brings the table up to date, in Java, and leaves out what `update.commit()` does in the end:
        # it loads the table again and reads manifests to find those that a retry has left over.
        snapshot = update.apply()
        base = operations.current()
        accept(base)
        builder = iceberg.metadata.buildFrom(base).setBranchSnapshot(snapshot, "main")
        known = base.properties()
        if new := {**missing_properties(wanted, known), **raised(known, name, epoch)}:
            builder.setProperties(new)
        return base, builder.build()

    return commit_metadata(iceberg, loaded, name, epoch, change)


def commit_properties(
    iceberg: Iceberg, loaded: Any, name: str, epoch: int, changes: Callable[[Any], Mapping[str, str]]
) -> None:
    """Sets properties of a table. changes: gives those to set, from the properties that the table has.

    Raises as commit_metadata does, and what `changes` raises.
    """

    def change(operations: Any) -> tuple[Any, Any]:
        base = operations.refresh()
        check(base.properties(), name, epoch)
        changed = changes(base.properties())
        if not changed:
            return base, None
        return base, iceberg.metadata.buildFrom(base).setProperties(dict(changed)).build()

    commit_metadata(iceberg, loaded, name, epoch, change)
