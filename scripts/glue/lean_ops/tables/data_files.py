"""Data files as a commit names them, and how one is written: Parquet with Iceberg's field ids
(https://iceberg.apache.org/spec/#parquet)."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.fs import LocalFileSystem

from lean_ops.spark.file_io import FileStore, path_of

FIELD_ID = b"PARQUET:field_id"
_SMALL_FILE = 1 << 20
"""Smaller ones are joined with others wherever they are written anew."""


@dataclass(frozen=True)
class DataFile:
    """partition: `field=value` as in Iceberg's paths; "" for a table without partitions; None where it is of
    another spec than the table's, or was not asked for."""

    path: str
    size: int
    rows: int
    partition: str | None = None

    @property
    def is_small(self) -> bool:
        return self.size < _SMALL_FILE


@dataclass(frozen=True)
class NewFile:
    """footer: the file's last bytes, from which its metrics can be read without fetching it."""

    file: DataFile
    footer: bytes


def write_file(file_store: FileStore, folder: str, rows: pa.Table, partition: str, **options: Any) -> NewFile:
    """A new file. folder: ends in `/`. rows: their fields carry field ids. options: Parquet's, of pyarrow."""
    buffer = io.BytesIO()
    pq.write_table(rows, buffer, compression="zstd", **options)
    content = buffer.getbuffer()
    path = f"{folder}{uuid4()}.parquet"
    files = file_store.open(folder)
    if isinstance(files, LocalFileSystem):
        files.create_dir(path_of(folder))
    with files.open_output_stream(path_of(path)) as target:
        target.write(content)
    return NewFile(DataFile(path, len(content), rows.num_rows, partition), _footer(content))


def by_field_id(schema: pa.Schema) -> Mapping[int, str]:
    ids = ((field.metadata or {}).get(FIELD_ID) for field in schema)
    return {int(number): field.name for number, field in zip(ids, schema, strict=True) if number is not None}


def _footer(content: memoryview) -> bytes:
    """From the metadata on to the end: https://parquet.apache.org/docs/file-format/"""
    length = int.from_bytes(content[-8:-4], "little")
    return bytes(content[-8 - length :])
