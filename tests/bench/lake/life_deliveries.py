"""Commits to RAW as Firehose makes them, by Iceberg's own library: thousands of them in a few minutes."""

import io
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlparse

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from append_raw import COLUMNS
from bench_plan import Plan
from emulator.athena.spark_text import CATALOG
from lean_ops.spark.iceberg_classes import iceberg_of

_TAIL = 8
"""Bytes after Parquet's footer: its length, and a magic number."""
_INGESTED_AT = list(COLUMNS).index("ingested_at")


class Deliveries:
    """Appends rows to RAW. Each append is a file and a commit, which merges no manifests."""

    def __init__(self, plan: Plan, spark: SparkSession) -> None:
        self._iceberg = iceberg_of(spark._jvm)
        self._table: Any = self._iceberg.load(spark, f"{CATALOG}.{plan.database('raw')}.events")
        self._store = boto3.client("s3")
        ids = {field.name(): field.fieldId() for field in self._table.schema().columns()}
        self._schema = pa.schema(
            [
                pa.field(name, kind, metadata={"PARQUET:field_id": str(ids[name])})
                for name, kind in COLUMNS.items()
            ]
        )
        [self._day] = [field.name() for field in self._table.spec().fields()]

    @property
    def snapshot_id(self) -> str:
        """The current snapshot of RAW."""
        self._table.refresh()
        return str(self._table.currentSnapshot().snapshotId())

    def append(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Appends rows, in the order of COLUMNS and of one day, in one commit."""
        columns = zip(self._schema, zip(*rows, strict=True), strict=True)
        arrays = [pa.array(values, field.type) for field, values in columns]
        written = io.BytesIO()
        pq.write_table(pa.Table.from_arrays(arrays, schema=self._schema), written, compression="zstd")
        content = written.getvalue()
        day = datetime.fromtimestamp(rows[0][_INGESTED_AT] / 1_000_000, UTC).date()
        location = f"{self._table.location().rstrip('/')}/data/{self._day}={day}/{uuid.uuid4()}.parquet"
        url = urlparse(location)
        self._store.put_object(Bucket=url.netloc, Key=url.path.lstrip("/"), Body=content)
        self._table.newFastAppend().appendFile(
            self._data_file(location, content, f"{self._day}={day}")
        ).commit()

    def _data_file(self, location: str, content: bytes, partition: str) -> Any:
        """Iceberg's DataFile, in Java, with metrics from the file's footer."""
        iceberg = self._iceberg
        length = int.from_bytes(content[-_TAIL : -_TAIL + 4], "little")
        footer = iceberg.byte_stream(content[-_TAIL - length : -_TAIL])
        found = iceberg.footers().readParquetMetadata(footer, iceberg.footers.NO_FILTER)
        metrics = iceberg.parquet.footerMetrics(
            found, iceberg.stream.empty(), iceberg.metrics_config.forTable(self._table)
        )
        builder = iceberg.data_files.builder(self._table.spec()).withPath(location).withFormat("parquet")
        builder.withFileSizeInBytes(len(content)).withPartitionPath(partition)
        return builder.withMetrics(metrics).build()
