"""Firehose to Iceberg as on AWS: records are buffered, transformed in batches, and appended once a flush.

ministack hands over each record while it holds the lock of all streams. Handing over therefore only puts the
record into a buffer, and a thread of the stream's own does the rest.
"""

import contextvars
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from emulator.fault_injection.inject import FaultInjector
from emulator.firehose.errors import SERVICE, write_errors
from emulator.firehose.records import FailedRecord, Failure, Record, UncommittedFiles
from emulator.firehose.tables import TableWriter
from emulator.firehose.transform import Transform
from emulator.iam.credentials import AccessDeniedError, service_session
from emulator.limits import MIB
from emulator.responses import Response, refusal

logger = logging.getLogger("lean_ops.firehose")

_MAX_REQUEST_BYTES = 4 * MIB
_MAX_RECORD_BYTES = 1_024_000
_MAX_FLUSH_BYTES = 32 * MIB
_MAX_BUFFER_BYTES = 256 * MIB


@dataclass(kw_only=True)
class _Stream:
    """A delivery stream's buffer."""

    stream: dict[str, Any]
    """ministack's own record of the stream, so that an update is seen at once."""
    destination: dict[str, Any]
    """ministack's own record of the stream's Iceberg destination."""
    waiting: list[Record] = field(default_factory=list)
    size: int = 0
    """Bytes of the waiting records."""
    since: float = 0.0
    """When the first of the waiting records came, in epoch seconds."""
    under_way: int = 0
    delivered: int = 0
    failed: int = 0
    flush: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)


class FirehoseEngine:
    """Replaces ministack's delivery to Iceberg."""

    def __init__(self, writer: TableWriter, transform: Transform) -> None:
        self._writer = writer
        self._transform = transform
        self._streams: dict[str, _Stream] = {}
        self._lock = threading.Lock()

    def deliver(
        self, stream: dict[str, Any], destination: dict[str, Any], records: list[tuple[str, bytes]]
    ) -> None:
        """Called by PutRecord and PutRecordBatch for each record."""
        # ministack would keep every record for ever.
        destination["records"].clear()
        found = self._streams.get(stream["arn"])
        if found is None or found.stream is not stream:
            found = self._open(stream, destination)
        now = time.time()
        with found.changed:
            if not found.waiting:
                found.since = now
            for record_id, data in records:
                found.waiting.append(Record(record_id, data, int(now * 1000)))
                found.size += len(data)
            found.changed.notify_all()

    def is_full(self, stream_name: str) -> bool:
        return any(
            s.size > _MAX_BUFFER_BYTES for s in self._streams.values() if s.stream["name"] == stream_name
        )

    def flush(self, timeout: float = 110) -> bool:
        """Delivers everything that is buffered now. Returns whether that was done in time."""
        deadline = time.time() + timeout
        for stream in list(self._streams.values()):
            with stream.changed:
                stream.flush = True
                stream.changed.notify_all()
                while stream.waiting or stream.under_way:
                    if not stream.changed.wait(deadline - time.time()):
                        return False
        return True

    def status(self) -> dict[str, dict[str, int]]:
        return {
            s.stream["name"]: {
                "buffered_records": len(s.waiting) + s.under_way,
                "delivered": s.delivered,
                "failed": s.failed,
            }
            for s in list(self._streams.values())
        }

    def _open(self, stream: dict[str, Any], destination: dict[str, Any]) -> _Stream:
        with self._lock:
            found = self._streams[stream["arn"]] = _Stream(stream=stream, destination=destination)
        context = contextvars.copy_context()
        name = f"firehose-{stream['name']}"
        threading.Thread(target=context.run, args=(self._work, found), name=name, daemon=True).start()
        return found

    def _work(self, stream: _Stream) -> None:
        while self._streams.get(stream.stream["arn"]) is stream:
            records = self._next(stream)
            try:
                failed = self._deliver_batch(stream, records)
            except Exception:
                logger.exception("stream %s: %d records are lost", stream.stream["name"], len(records))
                failed = len(records)
            with stream.changed:
                stream.under_way = 0
                stream.delivered += len(records) - failed
                stream.failed += failed
                stream.changed.notify_all()

    def _next(self, stream: _Stream) -> list[Record]:
        """Waits until the stream's BufferingHints ask for a flush, and takes the records for it."""
        with stream.changed:
            while True:
                hints = stream.destination["config"].get("BufferingHints") or {}
                wait = stream.since + float(hints.get("IntervalInSeconds", 300)) - time.time()
                full = stream.size >= float(hints.get("SizeInMBs", 5)) * MIB
                if stream.waiting and (full or stream.flush or wait <= 0):
                    break
                if not stream.waiting:
                    stream.flush = False
                stream.changed.wait(wait if stream.waiting else None)
            taken, size = 0, 0
            for record in stream.waiting:
                if taken and size + len(record.data) > _MAX_FLUSH_BYTES:
                    break
                taken, size = taken + 1, size + len(record.data)
            records, stream.waiting = stream.waiting[:taken], stream.waiting[taken:]
            stream.size -= size
            stream.under_way = len(records)
            if not stream.waiting:
                stream.flush = False
            return records

    def _deliver_batch(self, stream: _Stream, records: list[Record]) -> int:
        """Transforms and appends records, and writes those that fail to the error prefix.

        Returns how many failed.
        """
        config = stream.destination["config"]
        name = stream.stream["name"]
        try:
            session = service_session(config["RoleARN"], SERVICE, name)
        except AccessDeniedError as error:
            failures: list[Failure] = [
                FailedRecord(
                    record=record,
                    output_type="processing-failed",
                    code="Firehose.AccessDenied",
                    message=str(error),
                )
                for record in records
            ]
        else:
            rows, not_transformed = self._transform.run(stream.stream, config, session, records)
            failures = [*not_transformed, *self._writer.append(session, rows)]
        failed = sum(f.records if isinstance(f, UncommittedFiles) else 1 for f in failures)
        if failures:
            first = failures[0]
            logger.warning(
                "stream %s: %d records failed, the first: %s: %s",
                name,
                failed,
                first.code,
                first.message,
            )
            write_errors(stream.stream, config, failures)
        return failed


def strict_put(
    original: Callable[[dict[str, Any]], Response], engine: FirehoseEngine, faults: FaultInjector
) -> Callable[[dict[str, Any]], Response]:
    """Wraps PutRecord and PutRecordBatch with AWS's limits of a whole request, and with injected faults."""

    def put(data: dict[str, Any]) -> Response:
        records = data.get("Records") or [data.get("Record") or {}]
        sizes = [
            len(record.get("Data", "")) * 3 // 4 - record.get("Data", "").count("=", -2) for record in records
        ]
        if sum(sizes) > _MAX_REQUEST_BYTES:
            return refusal("InvalidArgumentException", "Records size exceeds 4 MB limit")
        if max(sizes) > _MAX_RECORD_BYTES:
            return refusal("InvalidArgumentException", "Record size exceeds 1000 KB limit")
        if engine.is_full(data.get("DeliveryStreamName", "")):
            return refusal("ServiceUnavailableException", "Slow down.", 503)
        return faults.put(original, data)

    return put
