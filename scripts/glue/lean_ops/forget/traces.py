"""Finds out whether an object of a table holds one of the keys, whatever has become of the table: in rows of
a data file, or in the bounds of a manifest."""

import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow.fs import FileSystem

from lean_ops.forget.keys import Forgotten, prefixes

_MAGIC = b"Obj\x01"
_SYNC_BYTES = 16
_KEYS = ("idempotency_key", "message_id")


def holds_rows(files: FileSystem, path: str, forgotten: Forgotten) -> bool:
    """Whether a data file has a row of the topic with one of the keys, as its id or in the place of it.

    A file that is gone meanwhile has none.
    """
    try:
        with files.open_input_file(path) as source:
            file = pq.ParquetFile(source)
            present = [name for name in _KEYS if name in file.schema_arrow.names]
            wanted = [*present, *(["topic_name"] if "topic_name" in file.schema_arrow.names else [])]
            keys = pa.array(sorted(forgotten.keys), pa.string())
            return any(
                _any_row(batch, present, keys, forgotten.topic) for batch in file.iter_batches(columns=wanted)
            )
    except FileNotFoundError:
        return False


def without_rows(files: FileSystem, path: str, forgotten: Forgotten) -> None:
    """Writes a data file anew without such rows. It keeps its name, as somebody may have noted it."""
    with files.open_input_file(path) as source:
        rows = pq.read_table(source)
    present = [name for name in _KEYS if name in rows.column_names]
    keys = pa.array(sorted(forgotten.keys), pa.string())
    for name in present:
        rows = rows.filter(pc.invert(_is_row(rows, name, keys, forgotten.topic)))
    with files.open_output_stream(path) as target:
        pq.write_table(rows, target, compression="zstd")


def _any_row(batch: pa.RecordBatch, columns: Sequence[str], keys: pa.Array, topic: str) -> bool:
    return any(pc.any(_is_row(batch, name, keys, topic)).as_py() for name in columns)


def _is_row(rows: "pa.RecordBatch | pa.Table", name: str, keys: pa.Array, topic: str) -> Any:
    found = pc.is_in(rows.column(name), value_set=keys)
    if "topic_name" in rows.schema.names:
        found = pc.and_(found, pc.fill_null(pc.equal(rows.column("topic_name"), topic), False))
    return found


def holds_bounds(files: FileSystem, path: str, forgotten: Forgotten) -> bool:
    """Whether a manifest, or a list of them, may have a bound that one of the keys has left."""
    try:
        with files.open_input_stream(path, compression=None) as source:
            content = b"".join(avro_blocks(source.read()))
    except FileNotFoundError:
        return False
    return any(one in content for one in prefixes(forgotten.keys))


def avro_blocks(content: bytes) -> Iterator[bytes]:
    """The blocks of an Avro file without their compression, which Iceberg has as deflate; the content as a
    whole where it is no Avro file.
    https://avro.apache.org/docs/1.11.1/specification/#object-container-files"""
    if not content.startswith(_MAGIC):
        yield content
        return
    reader = _Reader(content, len(_MAGIC))
    codec = b"null"
    while (entries := reader.long()) != 0:
        if entries < 0:
            entries = -entries
            reader.long()
        for _ in range(entries):
            name, value = reader.bytes(), reader.bytes()
            codec = value if name == b"avro.codec" else codec
    reader.skip(_SYNC_BYTES)
    while not reader.at_end:
        reader.long()
        block = reader.bytes()
        reader.skip(_SYNC_BYTES)
        yield zlib.decompress(block, -zlib.MAX_WBITS) if codec == b"deflate" else block


class _Reader:
    def __init__(self, content: bytes, at: int) -> None:
        self._content = content
        self._at = at

    @property
    def at_end(self) -> bool:
        return self._at >= len(self._content)

    def long(self) -> int:
        shift = value = 0
        while True:
            byte = self._content[self._at]
            self._at += 1
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return (value >> 1) ^ -(value & 1)
            shift += 7

    def bytes(self) -> bytes:
        size = self.long()
        self._at += size
        return self._content[self._at - size : self._at]

    def skip(self, size: int) -> None:
        self._at += size
