"""Turns rows of RAW into rows of cycle_delta, in Arrow batches on the executors."""

from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql.types import MapType, StringType, StructField, StructType, TimestampNTZType

from lean_ops.columns import names
from lean_ops.payload.flatten import Flattened, Flattener
from lean_ops.payload.json_text import InvalidJsonError, compact, parse
from lean_ops.payload.opaque import NONE_OPAQUE, OpaqueColumns, OpaqueReader

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
"""The columns that cycle_delta takes over from RAW."""

DELTA_SCHEMA = StructType(
    [
        *(StructField(name, _TIME if name in names.ENVELOPE_TIMES else _TEXT) for name in KEPT_COLUMNS),
        StructField("columns", MapType(_TEXT, _TEXT)),
        StructField("rescued_data", _TEXT),
        StructField("cycle_id", _TEXT),
    ]
)
"""The columns of cycle_delta for Spark. A row that could not be flattened has NULL in `columns`, and its
`Refusal` in rescued_data."""
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
"""The same columns for Arrow."""

RAW_COLUMNS = _KEPT | {"payload": pa.string()}
"""The columns that are read of RAW, with their types in Arrow."""

_MAX_BATCH_BYTES = 32 << 20
"""The approximate size of a batch, on both sides of flattening. Only a single row may be larger."""

INVALID_JSON = "INVALID_JSON"
INVALID_TOPIC = "INVALID_TOPIC"

Refusal = tuple[str, str]
"""Why a row could not be flattened: an error code and a message."""


def flatten_events(
    raw: DataFrame,
    cycle_id: str,
    refused_topics: Mapping[str, Refusal],
    opaque: OpaqueColumns = NONE_OPAQUE,
) -> DataFrame:
    """Rows of RAW as rows of cycle_delta, one for one.

    refused_topics: topics whose rows are all refused, whatever they hold. opaque: what is kept as sent.
    """
    refused, kept = dict(refused_topics), dict(opaque)
    events = raw.select(*RAW_COLUMNS)
    return events.mapInArrow(lambda batches: flatten_batches(batches, cycle_id, refused, kept), DELTA_SCHEMA)


def flatten_batches(
    batches: Iterable[pa.RecordBatch],
    cycle_id: str,
    refused: Mapping[str, Refusal],
    opaque: OpaqueColumns = NONE_OPAQUE,
) -> Iterator[pa.RecordBatch]:
    """Does for Arrow batches what flatten_events does. batches: with RAW_COLUMNS. Gives DELTA_COLUMNS."""
    flattener = _TopicFlattener(opaque)
    for batch in batches:
        for piece in _slices(batch):
            yield from _flatten_batch(piece, flattener, cycle_id, refused)


class _TopicFlattener:
    """Flattens payloads of any topics, each as its topic's schema has it."""

    def __init__(self, opaque: OpaqueColumns) -> None:
        self._flattener = Flattener()
        self._readers = {topic: OpaqueReader(columns).read for topic, columns in opaque.items()}

    def flatten(self, topic: str, payload: str) -> Flattened:
        return self._flattener.flatten(payload, self._readers.get(topic, parse))


def _slices(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The batch in slices that are small enough to be Python texts all at once."""
    if batch.nbytes <= _MAX_BATCH_BYTES or batch.num_rows < 2:
        yield batch
        return
    middle = batch.num_rows // 2
    yield from _slices(batch.slice(0, middle))
    yield from _slices(batch.slice(middle))


def _flatten_batch(
    batch: pa.RecordBatch, flattener: _TopicFlattener, cycle_id: str, refused: Mapping[str, Refusal]
) -> Iterator[pa.RecordBatch]:
    """Flattens one batch. Gives several where rows grow: a value of a few characters may have a name of
    255."""
    flat, size, first = _FlatRows(), 0, 0
    topics = batch.column("topic_name").to_pylist()
    for row, payload in enumerate(batch.column("payload").to_pylist()):
        topic = topics[row]
        refusal = refused.get(topic)
        if refusal is None and not names.is_topic(topic):
            refusal = (INVALID_TOPIC, "the topic's name is not of the form [a-z][a-z0-9._-]{0,127}")
        if refusal is None:
            try:
                result = flattener.flatten(topic, payload or "")
            except InvalidJsonError as error:
                refusal = (INVALID_JSON, str(error))
        size += len(payload or "")
        if refusal is None:
            rescued = result.rescued_text
            flat.add(result.values, rescued)
            size += len(result.values) * names.MAX_COLUMN_NAME + len(rescued or "")
        else:
            flat.refuse(_refusal_text(refusal, payload))
        if size > _MAX_BATCH_BYTES:
            yield flat.batch(batch.slice(first, row + 1 - first), cycle_id)
            flat, size, first = _FlatRows(), 0, row + 1
    if first < batch.num_rows:
        yield flat.batch(batch.slice(first), cycle_id)


class _FlatRows:
    """Collects flattened rows until they become a batch."""

    def __init__(self) -> None:
        self._offsets: list[int | None] = []
        self._keys: list[str] = []
        self._values: list[str | None] = []
        self._rescued: list[str | None] = []

    def add(self, values: Mapping[str, str | None], rescued: str | None) -> None:
        self._offsets.append(len(self._keys))
        self._keys.extend(values)
        self._values.extend(values.values())
        self._rescued.append(rescued)

    def refuse(self, why: str) -> None:
        """Adds a row that could not be flattened. why: the JSON text of its Refusal."""
        self._offsets.append(None)  # makes its map null
        self._rescued.append(why)

    def batch(self, raw: pa.RecordBatch, cycle_id: str) -> pa.RecordBatch:
        """The rows collected, with DELTA_COLUMNS. raw: the rows of RAW that they were made of."""
        columns = pa.MapArray.from_arrays(
            pa.array([*self._offsets, len(self._keys)], pa.int32()),
            pa.array(self._keys, pa.string()),
            pa.array(self._values, pa.string()),
        )
        kept = {name: raw.column(name) for name in KEPT_COLUMNS}
        # A row without a key would count as another record at every merge.
        kept["idempotency_key"] = pc.coalesce(
            *(kept[name] for name in ("idempotency_key", "message_id", "payload_sha256"))
        )
        cycle = pa.repeat(pa.scalar(cycle_id, pa.string()), raw.num_rows)
        arrays = [*kept.values(), columns, pa.array(self._rescued, pa.string()), cycle]
        return pa.RecordBatch.from_arrays(arrays, names=DELTA_COLUMNS)


def _refusal_text(refusal: Refusal, payload: str | None) -> str:
    code, message = refusal
    return compact({"error_code": code, "error_message": message, "payload": payload})
