"""Firehose to Iceberg as on AWS: records are buffered, transformed in batches, and appended once a flush.

ministack hands over each record while it holds the lock of all streams, so handing over only puts it into a
buffer; one thread a stream does the rest.
"""

import contextvars
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ministack.core.responses import error_response_json

from emulator.fault_injection.inject import Faults
from emulator.firehose.errors import write_errors
from emulator.firehose.records import Failure, Problem, Record, UncommittedFiles
from emulator.firehose.tables import TableWriter
from emulator.firehose.transform import Transform
from emulator.iam.credentials import AccessDenied, service_session

logger = logging.getLogger("lean_ops.firehose")

_MIB = 1024 * 1024
_BATCH_BYTES = 4 * _MIB
_RECORD_BYTES = 1_024_000
_TAKE_BYTES = 32 * _MIB
_FULL_BYTES = 256 * _MIB
Response = tuple[int, dict[str, str], bytes]


@dataclass
class _Stream:
    """A delivery stream's buffer. `stream` and `destination` are ministack's own records: an update is seen
    at once.
    """

    stream: dict[str, Any]
    destination: dict[str, Any]
    waiting: list[Record] = field(default_factory=list)
    size: int = 0
    since: float = 0.0
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
        destination["records"].clear()  # ministack would keep every record for ever
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
        return any(s.size > _FULL_BYTES for s in self._streams.values() if s.stream["name"] == stream_name)

    def flush(self, timeout: float = 110) -> bool:
        """Delivers everything that is buffered now. @returns whether that was done in time."""
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
            found = self._streams[stream["arn"]] = _Stream(stream, destination)
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
        """Waits until BufferingHints say that it is time, and takes what is there."""
        with stream.changed:
            while True:
                hints = stream.destination["config"].get("BufferingHints") or {}
                wait = stream.since + float(hints.get("IntervalInSeconds", 300)) - time.time()
                full = stream.size >= float(hints.get("SizeInMBs", 5)) * _MIB
                if stream.waiting and (full or stream.flush or wait <= 0):
                    break
                if not stream.waiting:
                    stream.flush = False
                stream.changed.wait(wait if stream.waiting else None)
            taken, size = 0, 0
            for record in stream.waiting:
                if taken and size + len(record.data) > _TAKE_BYTES:
                    break
                taken, size = taken + 1, size + len(record.data)
            records, stream.waiting = stream.waiting[:taken], stream.waiting[taken:]
            stream.size -= size
            stream.under_way = len(records)
            if not stream.waiting:
                stream.flush = False
            return records

    def _deliver_batch(self, stream: _Stream, records: list[Record]) -> int:
        """Transform, append, and write what failed to the error prefix. @returns how many failed."""
        config = stream.destination["config"]
        name = stream.stream["name"]
        try:
            session = service_session(config["RoleARN"], "firehose.amazonaws.com", name)
        except AccessDenied as error:
            problems: list[Failure] = [
                Problem(record, "processing-failed", "Firehose.AccessDenied", str(error))
                for record in records
            ]
        else:
            rows, unread = self._transform.run(stream.stream, config, session, records)
            problems = [*unread, *self._writer.append(session, rows)]
        failed = sum(p.records if isinstance(p, UncommittedFiles) else 1 for p in problems)
        if problems:
            first = problems[0]
            logger.warning(
                "stream %s: %d records failed, the first: %s: %s",
                name,
                failed,
                first.code,
                first.message,
            )
            write_errors(stream.stream, config, problems)
        return failed


def strict_put(
    original: Callable[[dict[str, Any]], Response], engine: FirehoseEngine, faults: Faults
) -> Callable[[dict[str, Any]], Response]:
    """Wraps PutRecord and PutRecordBatch with the limits that AWS enforces on a request as a whole, and
    with the faults that were asked for.
    """

    def put(data: dict[str, Any]) -> Response:
        records = data.get("Records") or [data.get("Record") or {}]
        sizes = [
            len(record.get("Data", "")) * 3 // 4 - record.get("Data", "").count("=", -2) for record in records
        ]
        if sum(sizes) > _BATCH_BYTES:
            return _refusal("InvalidArgumentException", "Records size exceeds 4 MB limit", 400)
        if max(sizes) > _RECORD_BYTES:
            return _refusal("InvalidArgumentException", "Record size exceeds 1000 KB limit", 400)
        if engine.is_full(data.get("DeliveryStreamName", "")):
            return _refusal("ServiceUnavailableException", "Slow down.", 503)
        return faults.put(original, data)

    return put


def _refusal(code: str, message: str, status: int) -> Response:
    found: tuple[int, dict[str, str], bytes] = error_response_json(code, message, status)
    return found
