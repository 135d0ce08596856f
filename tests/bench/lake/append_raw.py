"""Appends one cycle's events to RAW in a few commits, as Firehose does: `append_raw.py PLAN CYCLE EVENTS`.

The same events go to `events-CYCLE.parquet` beside the plan, for the tools that the pipeline is compared
with. Prints `{"rows", "snapshot"}`.
"""

import hashlib
import sys
import uuid
from collections.abc import Sequence
from itertools import islice

import pyarrow as pa
import pyarrow.parquet as pq

from bench_plan import Plan, answer, iceberg_catalog, read_plan, say
from events import CYCLE_US, START_US, Message, TopicEvents, interleaved

APPENDS = 4
_TIME = pa.timestamp("us")
COLUMNS = {
    "topic_name": pa.string(),
    "message_id": pa.string(),
    "idempotency_key": pa.string(),
    "event_time": _TIME,
    "produced_at": _TIME,
    "received_at": _TIME,
    "ingested_at": _TIME,
    "payload": pa.string(),
    "source_message_id": pa.string(),
    "payload_sha256": pa.string(),
    "trace_id": pa.string(),
    "envelope_issues": pa.string(),
}


def raw_row(topic: TopicEvents, message: Message, received: int) -> tuple[object, ...]:
    """Returns a message as a row of RAW, in the order of COLUMNS. received: when it arrived, in microseconds
    since
    1970. A message that is sent twice arrives twice."""
    payload = topic.payload(message)
    message_id = topic.message_id(message)
    return (
        topic.topic,
        message_id,
        topic.key(message.record),
        topic.event_time(message.record),
        topic.produced_at(message),
        received,
        received + 2_000_000,
        payload,
        str(uuid.UUID(message_id)),
        hashlib.sha256(payload.encode()).hexdigest(),
        f"Root=1-{received // 1_000_000:08x}-{message_id[:24]}",
        None,
    )


def append(plan: Plan, rows: Sequence[tuple[object, ...]]) -> pa.Table:
    """Appends rows to RAW in one commit, and returns them."""
    columns = list(zip(*rows, strict=True))
    data = pa.table(
        {name: pa.array(column, kind) for (name, kind), column in zip(COLUMNS.items(), columns, strict=True)}
    )
    iceberg_catalog().load_table((plan.database("raw"), "events")).append(data)
    return data


def main() -> None:
    plan = read_plan(sys.argv[1])
    cycle, events = int(sys.argv[2]), int(sys.argv[3])
    topics = [TopicEvents(topic, CYCLE_US // events) for topic in plan.topics]
    now = START_US + (cycle + 1) * CYCLE_US
    rows = (
        raw_row(topic, message, now + place * 1_000)
        for place, topic, message in interleaved(topics, cycle, events)
    )
    each = -(-len(topics) * events // APPENDS)
    written = 0
    with pq.ParquetWriter(plan.folder / f"events-{cycle}.parquet", pa.schema(COLUMNS)) as copy:
        while part := list(islice(rows, each)):
            copy.write_table(append(plan, part))
            written += len(part)
            say(f"cycle {cycle}: {written} of {len(topics) * events} events in RAW")
    table = iceberg_catalog().load_table((plan.database("raw"), "events"))
    answer({"rows": written, "snapshot": str(table.current_snapshot().snapshot_id)})


if __name__ == "__main__":
    main()
