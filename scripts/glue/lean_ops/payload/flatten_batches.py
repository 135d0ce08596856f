"""RAW rows to cycle_delta rows, in Arrow batches on the executors."""

from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql.types import MapType, StringType, StructField, StructType, TimestampNTZType

from lean_ops.columns import names
from lean_ops.payload.flatten import Flattener
from lean_ops.payload.json_text import InvalidJsonError, compact
from lean_ops.spark.map_in_arrow import map_in_arrow

_TEXT = StringType()
_TIME = TimestampNTZType()

KEPT_COLUMNS = (
    "topic_name",
    "message_id",
    "idempotency_key",
    "event_time",
    "produced_at",
    "received_at",
    "ingested_at",
    "payload_sha256",
)

DELTA_SCHEMA = StructType(
    [
        *(StructField(name, _TIME if name in names.ENVELOPE_TIMES else _TEXT) for name in KEPT_COLUMNS),
        StructField("columns", MapType(_TEXT, _TEXT)),
        StructField("rescued_data", _TEXT),
        StructField("cycle_id", _TEXT),
    ]
)
"""cycle_delta. A row that could not be flattened has columns NULL and its `Refusal` in rescued_data."""
DELTA_COLUMNS = tuple(DELTA_SCHEMA.fieldNames())
_KEPT = {name: pa.timestamp("us") if name in names.ENVELOPE_TIMES else pa.string() for name in KEPT_COLUMNS}
DELTA_ARROW = pa.schema(
    [
        *_KEPT.items(),
        ("columns", pa.map_(pa.string(), pa.string())),
        ("rescued_data", pa.string()),
        ("cycle_id", pa.string()),
    ]
)

RAW_COLUMNS = _KEPT | {"payload": pa.string()}
"""What is read of RAW, with its types."""

_BATCH_BYTES = 32 << 20
"""About what one batch takes, in and out, unless one row alone takes more."""

INVALID_JSON = "INVALID_JSON"
INVALID_TOPIC = "INVALID_TOPIC"

Refusal = tuple[str, str]
"""Error code and message."""


def flatten_events(raw: DataFrame, cycle_id: str, refused_topics: Mapping[str, Refusal]) -> DataFrame:
    """RAW's rows as rows of cycle_delta, one for one. Topics of `refused_topics` are refused whatever they
    hold."""
    refused = dict(refused_topics)
    events = raw.select(*RAW_COLUMNS)
    return map_in_arrow(events, lambda batches: flatten_batches(batches, cycle_id, refused), DELTA_SCHEMA)


def flatten_batches(
    batches: Iterator[pa.RecordBatch], cycle_id: str, refused: Mapping[str, Refusal]
) -> Iterator[pa.RecordBatch]:
    """batches: in RAW_COLUMNS. Gives DELTA_COLUMNS."""
    flattener = Flattener()
    for batch in batches:
        for part in _parts(batch):
            yield from _flatten_batch(part, flattener, cycle_id, refused)


def _parts(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """A batch of large payloads in pieces, none of which becomes many Python texts at once."""
    if batch.nbytes <= _BATCH_BYTES or batch.num_rows < 2:
        yield batch
        return
    middle = batch.num_rows // 2
    yield from _parts(batch.slice(0, middle))
    yield from _parts(batch.slice(middle))


def _flatten_batch(
    batch: pa.RecordBatch, flattener: Flattener, cycle_id: str, refused: Mapping[str, Refusal]
) -> Iterator[pa.RecordBatch]:
    """More than one batch where rows grow: a value of few characters may have a name of 255."""
    flat, size, first = _Flat(), 0, 0
    topics = batch.column("topic_name").to_pylist()
    for row, payload in enumerate(batch.column("payload").to_pylist()):
        topic = topics[row]
        refusal = refused.get(topic)
        if refusal is None and not names.is_topic(topic):
            refusal = (INVALID_TOPIC, "the topic's name is not of the form [a-z][a-z0-9._-]{0,127}")
        if refusal is None:
            try:
                result = flattener.flatten(payload or "")
            except InvalidJsonError as error:
                refusal = (INVALID_JSON, str(error))
        size += len(payload or "")
        if refusal is None:
            rescued = result.rescued_text
            flat.add(result.columns, rescued)
            size += len(result.columns) * names.MAX_COLUMN_NAME + len(rescued or "")
        else:
            flat.refuse(_refusal_text(refusal, payload))
        if size > _BATCH_BYTES:
            yield flat.batch(batch.slice(first, row + 1 - first), cycle_id)
            flat, size, first = _Flat(), 0, row + 1
    if first < batch.num_rows:
        yield flat.batch(batch.slice(first), cycle_id)


class _Flat:
    """Rows as they are flattened: maps and rescued_data."""

    def __init__(self) -> None:
        self._offsets: list[int | None] = []
        self._keys: list[str] = []
        self._values: list[str | None] = []
        self._rescued: list[str | None] = []

    def add(self, columns: Mapping[str, str | None], rescued: str | None) -> None:
        self._offsets.append(len(self._keys))
        self._keys.extend(columns)
        self._values.extend(columns.values())
        self._rescued.append(rescued)

    def refuse(self, why: str) -> None:
        self._offsets.append(None)  # a null map
        self._rescued.append(why)

    def batch(self, raw: pa.RecordBatch, cycle_id: str) -> pa.RecordBatch:
        """raw: the same rows of RAW. Gives DELTA_COLUMNS."""
        columns = pa.MapArray.from_arrays(
            pa.array([*self._offsets, len(self._keys)], pa.int32()),
            pa.array(self._keys, pa.string()),
            pa.array(self._values, pa.string()),
        )
        kept = {name: raw.column(name) for name in KEPT_COLUMNS}
        # A row without a key would be another record at every merge.
        kept["idempotency_key"] = pc.coalesce(
            *(kept[name] for name in ("idempotency_key", "message_id", "payload_sha256"))
        )
        cycle = pa.repeat(pa.scalar(cycle_id, pa.string()), raw.num_rows)
        arrays = [*kept.values(), columns, pa.array(self._rescued, pa.string()), cycle]
        return pa.RecordBatch.from_arrays(arrays, names=DELTA_COLUMNS)


def _refusal_text(refusal: Refusal, payload: str | None) -> str:
    code, message = refusal
    return compact({"error_code": code, "error_message": message, "payload": payload})
