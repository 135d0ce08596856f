"""Describes data files as commits name them, and writes them: as Parquet, with Iceberg's field ids.

The source of the form is https://iceberg.apache.org/spec/#parquet.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.fs import LocalFileSystem

from lean_ops.spark.file_io import FileStore, path_of
from lean_ops.spark.iceberg_classes import NotPlainFilesError
from lean_ops.tables.data_location import DataLocation

FIELD_ID = b"PARQUET:field_id"
"""The key in the metadata of an Arrow field under which pyarrow reads and writes the field id."""
_SMALL_FILE_BYTES = 1 << 20
"""Files that are smaller are joined with others whenever they are written anew."""


@dataclass(frozen=True)
class DataFile:
    """A data file of a table.

    partition: `field=value` as in Iceberg's paths, or "" for a table without partitions. None stands for a
    partition of an older spec of the table, and for one that has not been looked up.
    """

    path: str
    size: int
    rows: int
    partition: str | None = None

    @property
    def is_small(self) -> bool:
        return self.size < _SMALL_FILE_BYTES


@dataclass(frozen=True)
class NewFile:
    """A data file that is not yet part of the table.

    footer: its last bytes, from which the driver reads its metrics without fetching the file.
    """

    file: DataFile
    footer: bytes


def write_file(
    file_store: FileStore, location: DataLocation, rows: pa.Table, partition: str, **options: Any
) -> NewFile:
    """Writes rows to a new file.

    location: where the table's files go. rows: must carry field ids. options: those of pyarrow for Parquet.
    """
    buffer = io.BytesIO()
    pq.write_table(rows, buffer, compression="zstd", **options)
    content = buffer.getbuffer()
    path = location.of(f"{uuid4()}.parquet")
    files = file_store.open(path)
    if isinstance(files, LocalFileSystem):
        files.create_dir(path_of(path).rpartition("/")[0])
    with files.open_output_stream(path_of(path)) as target:
        target.write(content)
    return NewFile(DataFile(path, len(content), rows.num_rows, partition), _footer(content))


def by_field_id(schema: pa.Schema) -> Mapping[int, str]:
    """The names of a file's columns by their field ids.

    Raises NotPlainFilesError where a column has none, as in a file of a writer that knows nothing of Iceberg.
    Spark then goes by the table's name mapping (https://iceberg.apache.org/spec/#column-projection), or
    without one by the order of columns.
    """
    ids: dict[int, str] = {}
    for field in schema:
        number = (field.metadata or {}).get(FIELD_ID)
        if number is None:
            raise NotPlainFilesError("a file has columns without field ids")
        ids[int(number)] = field.name
    return ids


def _footer(content: memoryview) -> bytes:
    """The bytes from the metadata to the end of the file: https://parquet.apache.org/docs/file-format/"""
    length = int.from_bytes(content[-8:-4], "little")
    return bytes(content[-8 - length :])
