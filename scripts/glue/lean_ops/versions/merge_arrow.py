"""Merges versions in Arrow tables: rows of cycle_delta with the rows in the files of a topic's table.

The decisions are those of merge_python.py. merge_spark.py is the twin for DataFrames, and
tests/glue/versions/test_versions.py holds them equal.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from lean_ops.columns.names import KEY
from lean_ops.columns.row_indices import true_indices
from lean_ops.columns.time_text import micros_of_text
from lean_ops.tables.data_files import DataFile
from lean_ops.tables.table_files import TableFiles
from lean_ops.versions.merge_python import Decision, ExistingRow, RowPosition, Stamp, Tails, decide, tails_of

_COMPARED_COLUMNS = (KEY, "message_id", "produced_at", "ingested_at", "cycle_id")
"""The columns of a topic's table by which its rows compare with new versions."""


def existing_rows(
    table: TableFiles, files: Sequence[DataFile], keys: pa.ChunkedArray, *, times_are_text: bool
) -> dict[str, ExistingRow]:
    """The table's rows with these keys, by key. times_are_text: as they are in Standardized.

    It reads the keys of each file and, only where one of them is found, the other columns that versions
    compare by.
    """
    existing: dict[str, ExistingRow] = {}
    for file_index, file in enumerate(files):
        with table.opened(file) as read:
            found = true_indices(pc.is_in(read([KEY]).column(KEY), value_set=keys))
            if not len(found):
                continue
            rows = read(_COMPARED_COLUMNS).take(found)
        stamps = _stamps_of_existing(rows, times_are_text)
        for row_index, (stamp, cycle_id) in zip(found.to_pylist(), stamps, strict=True):
            known = existing.get(stamp.key)
            positions = known.positions if known else []
            if known is None or stamp.head > known.head:
                existing[stamp.key] = ExistingRow(stamp.message_id, stamp.head, cycle_id, positions)
            positions.append(RowPosition(file_index, row_index))
    return existing


def decision_of(
    new: pa.Table, existing: Mapping[str, ExistingRow], tails: Tails | None, *, replace_same: bool = False
) -> Decision:
    """Does for rows of cycle_delta what merge_python.decide does for stamps.

    Most rows are the only ones of their key, among the new and in the table. They win, and only the others
    have to be compared.
    """
    keys = new.column(KEY).combine_chunks()
    counted = pc.value_counts(keys)
    several = counted.field("values").filter(pc.greater(counted.field("counts"), 1))
    contested = pa.concat_arrays([several, pa.array(existing.keys(), pa.string())])
    is_contested = pc.is_in(keys, value_set=contested)
    indices = true_indices(is_contested)
    alone = true_indices(pc.invert(is_contested)).to_pylist()
    decided = decide(_stamps_of(new.take(indices)), existing, tails, replace_same=replace_same)
    winners = indices.take(pa.array(decided.winners, pa.int64())).to_pylist()
    return replace(
        decided,
        winners=sorted(alone + winners),
        versions=decided.versions + len(alone),
        inserted=decided.inserted + len(alone),
    )


def counts_of(decision: Decision) -> dict[str, int]:
    """The counts of a decision by their names in the ledger."""
    return {
        "records_in": decision.versions,
        "duplicates": decision.duplicates,
        "superseded": decision.superseded,
        "written": decision.written,
    }


def tails_beside(other: pa.Table, new: pa.Table) -> Tails:
    """The tails of those rows of other cycles that share a key with a new row. Both are rows of
    cycle_delta."""
    shared = other.filter(pc.is_in(other.column(KEY), value_set=new.column(KEY)))
    return tails_of(zip(_stamps_of(shared), shared.column("cycle_id").to_pylist(), strict=True))


def _stamps_of(rows: pa.Table) -> list[Stamp]:
    """The stamps of rows of cycle_delta."""
    stamps = zip(
        rows.column(KEY).to_pylist(),
        rows.column("message_id").to_pylist(),
        _micros(rows, "produced_at"),
        _micros(rows, "ingested_at"),
        rows.column("payload_sha256").to_pylist(),
        _micros(rows, "received_at"),
        _micros(rows, "event_time"),
        strict=True,
    )
    return [Stamp(*values) for values in stamps]


def _stamps_of_existing(rows: pa.Table, times_are_text: bool) -> Iterator[tuple[Stamp, str | None]]:
    """The stamps of rows of a topic's table, each with the cycle that the row came in. They have no tail."""
    times = (
        (
            [micros_of_text(text) for text in rows.column(name).to_pylist()]
            if times_are_text
            else _micros(rows, name)
        )
        for name in ("produced_at", "ingested_at")
    )
    columns = (rows.column(KEY).to_pylist(), rows.column("message_id").to_pylist(), *times)
    cycles = rows.column("cycle_id").to_pylist()
    for key, message_id, produced_at, ingested_at, cycle_id in zip(*columns, cycles, strict=True):
        yield Stamp(key, message_id, produced_at, ingested_at), cycle_id


def _micros(rows: pa.Table, name: str) -> list[int | None]:
    """The times of a column in microseconds since 1970 (UTC)."""
    found: list[int | None] = rows.column(name).cast(pa.int64()).to_pylist()
    return found
