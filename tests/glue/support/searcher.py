"""Reads every object of a lake for a text: Parquet by its rows, dictionaries and statistics, Avro and packed
metadata unpacked, and everything else as bytes."""

import gzip
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

import pyarrow as pa
import pyarrow.parquet as pq

from lean_ops.forget.traces import avro_blocks

if TYPE_CHECKING:
    from lake import Lake


def objects_with(lake: "Lake", *texts: str) -> list[str]:
    """The objects, by their paths below the warehouse, that hold one of the texts."""
    setting = lake.spark.conf.get("spark.sql.catalog.glue_catalog.warehouse")
    warehouse = Path(unquote(urlparse(setting or "").path))
    wanted = [text.encode() for text in texts]
    files = [file for place in warehouse.glob(f"{lake.prefix}_*") for file in place.rglob("*")]
    return sorted(
        str(file.relative_to(warehouse))
        for file in files
        if file.is_file() and _holds(content_of(file.name, file.read_bytes()), wanted)
    )


def _holds(content: bytes, wanted: list[bytes]) -> bool:
    return any(one in content for one in wanted)


def content_of(name: str, raw: bytes) -> bytes:
    """What an object holds, unpacked, beside its own bytes. name: by its end one knows the format."""
    if name.endswith(".parquet"):
        return raw + _of_parquet(raw)
    if name.endswith(".avro"):
        return raw + b"".join(avro_blocks(raw))
    return raw + (gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else b"")


def _of_parquet(raw: bytes) -> bytes:
    source = pq.ParquetFile(pa.BufferReader(raw))
    texts = [str(source.read().to_pylist())]
    for group in range(source.metadata.num_row_groups):
        for column in range(source.metadata.num_columns):
            statistics = source.metadata.row_group(group).column(column).statistics
            if statistics is not None and statistics.has_min_max:
                texts += [str(statistics.min), str(statistics.max)]
    return "\n".join(texts).encode("utf-8", "backslashreplace")
