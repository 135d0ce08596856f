"""What `versions` decides, of Arrow tables: rows of cycle_delta against the rows of the table's files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from lean_ops.columns.names import KEY
from lean_ops.columns.time_text import micros_of_text
from lean_ops.tables.data_files import DataFile
from lean_ops.tables.table_files import TableFiles
from lean_ops.versions.merge_python import Decision, ExistingRow, RowPosition, Stamp, Tails, decide, tails_of

_TIMES = ("produced_at", "ingested_at", "received_at", "event_time")
_HELD = (KEY, "message_id", "produced_at", "ingested_at", "cycle_id")


def existing_rows(
    table: TableFiles, files: Sequence[DataFile], keys: pa.ChunkedArray, texts: bool
) -> dict[str, ExistingRow]:
    """The table's rows of these keys. texts: its times are text, as in Standardized.

    Reads the column of keys, and where one is found those that versions are compared by, no others.
    """
    held: dict[str, ExistingRow] = {}
    for index, file in enumerate(files):
        with table.opened(file) as read:
            found = pc.indices_nonzero(pc.is_in(read([KEY]).column(KEY), value_set=keys))
            if not len(found):
                continue
            rows = read(_HELD).take(found)
        for position, row in zip(found.to_pylist(), _stamps_held(rows, texts), strict=True):
            stamp, cycle_id = row
            known = held.get(stamp.key)
            places = known.places if known else []
            if known is None or stamp.head > known.head:
                held[stamp.key] = ExistingRow(stamp.message_id, stamp.head, cycle_id, places)
            places.append(RowPosition(index, position))
    return held


def decision_of(
    new: pa.Table, held: Mapping[str, ExistingRow], tails: Tails | None, replace_same: bool = False
) -> Decision:
    """versions.decide for rows of cycle_delta. Most are the only ones of their key, here and in the table:
    they win, and take no deciding."""
    keys = new.column(KEY).combine_chunks()
    counted = pc.value_counts(keys)
    several = counted.field("values").filter(pc.greater(counted.field("counts"), 1))
    contested = pa.concat_arrays([several, pa.array(held.keys(), pa.string())])
    is_contested = pc.is_in(keys, value_set=contested)
    places = pc.indices_nonzero(is_contested)
    alone = pc.indices_nonzero(pc.invert(is_contested)).to_pylist()
    decided = decide(_stamps_of(new.take(places)), held, tails, replace_same)
    winners = places.take(pa.array(decided.winners, pa.int64())).to_pylist()
    return replace(
        decided,
        winners=sorted(alone + winners),
        versions=decided.versions + len(alone),
        inserted=decided.inserted + len(alone),
    )


def counts_of(decision: Decision) -> dict[str, int]:
    return {
        "records_in": decision.versions,
        "duplicates": decision.duplicates,
        "superseded": decision.superseded,
        "written": decision.written,
    }


def tails_beside(other: pa.Table, new: pa.Table) -> Tails:
    """Of the other cycles' rows that share a key with a new one."""
    shared = other.filter(pc.is_in(other.column(KEY), value_set=new.column(KEY)))
    return tails_of(zip(_stamps_of(shared), shared.column("cycle_id").to_pylist(), strict=True))


def _stamps_of(rows: pa.Table) -> list[Stamp]:
    """rows: of cycle_delta."""
    names_ = (KEY, "message_id", "payload_sha256")
    key, message, digest = (rows.column(name).to_pylist() for name in names_)
    produced, ingested, received, event = (_micros(rows, name) for name in _TIMES)
    return [
        Stamp(*row) for row in zip(key, message, produced, ingested, digest, received, event, strict=True)
    ]


def _stamps_held(rows: pa.Table, texts: bool) -> Iterator[tuple[Stamp, str | None]]:
    times = (
        ([micros_of_text(one) for one in rows.column(name).to_pylist()] if texts else _micros(rows, name))
        for name in ("produced_at", "ingested_at")
    )
    columns = (rows.column(KEY).to_pylist(), rows.column("message_id").to_pylist(), *times)
    cycles = rows.column("cycle_id").to_pylist()
    for key, message_id, produced_at, ingested_at, cycle_id in zip(*columns, cycles, strict=True):
        yield Stamp(key, message_id, produced_at, ingested_at), cycle_id


def _micros(rows: pa.Table, name: str) -> list[int | None]:
    found: list[int | None] = rows.column(name).cast(pa.int64()).to_pylist()
    return found
