"""The transform Lambda's contract: every record comes back once, with a status, within 6 MB.

https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html
"""

import base64
import binascii
import json
import logging
import random
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from emulator.firehose.records import Problem, Record, Row
from emulator.iam.credentials import Credentials, client

logger = logging.getLogger("lean_ops.firehose")

_LIMIT = 6 * 1024 * 1024
_ENVELOPE = 200  # bytes around a record's data in the request
_RESULTS = ("Ok", "Dropped", "ProcessingFailed")
_PARALLEL = 4


class Broken(Exception):
    """The invocation, or the whole answer, cannot be used."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class _Processor:
    arn: str
    retries: int
    batch_bytes: int


class Transform:
    """Invokes the function over HTTP with the stream's role, so that the role must allow it."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._pool = ThreadPoolExecutor(_PARALLEL, thread_name_prefix="firehose-transform")

    def run(
        self, stream: dict[str, Any], config: dict[str, Any], session: Credentials, records: list[Record]
    ) -> tuple[list[Row], list[Problem]]:
        processor = _processor(config)
        if processor is None:
            return [_row(config, record, record.data, {}) for record in records], []
        rows: list[Row] = []
        problems: list[Problem] = []
        batches = _batches(records, processor.batch_bytes)
        for more_rows, more_problems in self._pool.map(
            lambda b: self._batch(stream, config, session, processor, b), batches
        ):
            rows += more_rows
            problems += more_problems
        return rows, problems

    def _batch(
        self,
        stream: dict[str, Any],
        config: dict[str, Any],
        session: Credentials,
        processor: _Processor,
        batch: list[Record],
    ) -> tuple[list[Row], list[Problem]]:
        for attempt in range(1, processor.retries + 2):
            try:
                return _sort(config, batch, self._invoke(stream, session, processor, batch), processor)
            except Broken as error:
                broken = error
                logger.warning("stream %s, attempt %d: %s: %s", stream["name"], attempt, error.code, error)
                time.sleep(random.uniform(0.05, 0.2) * 2**attempt if attempt <= processor.retries else 0)
        failed = [
            Problem(
                record, "processing-failed", broken.code, str(broken), processor.retries + 1, processor.arn
            )
            for record in batch
        ]
        return [], failed

    def _invoke(
        self, stream: dict[str, Any], session: Credentials, processor: _Processor, batch: list[Record]
    ) -> dict[str, dict[str, Any]]:
        event = {
            "invocationId": str(uuid.uuid4()),
            "deliveryStreamArn": stream["arn"],
            "region": self._region,
            "records": [
                {
                    "recordId": record.record_id,
                    "approximateArrivalTimestamp": record.arrived,
                    "data": base64.b64encode(record.data).decode(),
                }
                for record in batch
            ],
        }
        name, _, qualifier = processor.arn.split(":function:")[-1].partition(":")
        target = {"FunctionName": name, **({"Qualifier": qualifier} if qualifier else {})}
        try:
            answer = client("lambda", session, 310).invoke(**target, Payload=json.dumps(event).encode())
            body = answer["Payload"].read()
        except ClientError as error:
            found = error.response["Error"]
            code = "InvokeAccessDenied" if "AccessDenied" in found["Code"] else found["Code"]
            raise Broken(f"Lambda.{code}", found.get("Message", str(error))) from error
        except BotoCoreError as error:
            raise Broken("Lambda.ConnectionFailure", str(error)) from error
        if answer.get("FunctionError"):
            raise Broken("Lambda.FunctionError", body.decode(errors="replace")[:1000])
        if len(body) > _LIMIT:
            raise Broken("Lambda.FunctionError", f"Response payload size exceeded 6 MB: {len(body)} bytes")
        return check_answer(body, [record.record_id for record in batch])


def check_answer(body: bytes, record_ids: list[str]) -> dict[str, dict[str, Any]]:
    """The answer's records by id, their data decoded to bytes. @raises Broken when the contract is."""
    try:
        records = json.loads(body)["records"]
        found: dict[str, dict[str, Any]] = {}
        for record in records:
            key = record["recordId"]
            if key in found:
                raise Broken(
                    "Lambda.DuplicatedRecordId",
                    f"Multiple records were returned with the same record ID {key}",
                )
            if record["result"] not in _RESULTS:
                raise Broken("Lambda.JsonProcessingException", f"unknown result {record['result']!r}")
            data = base64.b64decode(record["data"], validate=True) if record["result"] == "Ok" else b""
            found[key] = {**record, "data": data}
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        message = f"There was an error parsing returned records from the Lambda function: {error!r}"
        raise Broken("Lambda.JsonProcessingException", message) from error
    missing = [key for key in record_ids if key not in found]
    if missing:
        raise Broken(
            "Lambda.MissingRecordId",
            f"The Lambda function did not return record ID {missing[0]} ({len(missing)} missing)",
        )
    if len(found) > len(record_ids):
        raise Broken(
            "Lambda.JsonProcessingException", "The Lambda function returned record IDs that it was not given"
        )
    return found


def _sort(
    config: dict[str, Any], batch: list[Record], answer: dict[str, dict[str, Any]], processor: _Processor
) -> tuple[list[Row], list[Problem]]:
    rows: list[Row] = []
    problems: list[Problem] = []
    for record in batch:
        given = answer[record.record_id]
        if given["result"] == "Ok":
            rows.append(
                _row(config, record, given["data"], (given.get("metadata") or {}).get("otfMetadata") or {})
            )
        elif given["result"] == "ProcessingFailed":
            message = "ProcessingFailed status set for record"
            code = "Lambda.ProcessingFailedStatus"
            problems.append(Problem(record, "processing-failed", code, message, 1, processor.arn))
        else:
            logger.warning(
                "record %s was dropped by %s: it is gone and counts as a success",
                record.record_id,
                processor.arn,
            )
    return rows, problems


def _row(config: dict[str, Any], record: Record, data: bytes, metadata: dict[str, Any]) -> Row:
    default = (config.get("DestinationTableConfigurationList") or [{}])[0]
    return Row(
        record,
        data,
        metadata.get("destinationDatabaseName") or default.get("DestinationDatabaseName") or "",
        metadata.get("destinationTableName") or default.get("DestinationTableName") or "",
        str(metadata.get("operation") or "insert").lower(),
    )


def _processor(config: dict[str, Any]) -> _Processor | None:
    processing = config.get("ProcessingConfiguration") or {}
    if not processing.get("Enabled"):
        return None
    for processor in processing.get("Processors") or []:
        if processor.get("Type") == "Lambda":
            given = {p["ParameterName"]: p["ParameterValue"] for p in processor.get("Parameters") or []}
            megabytes = float(given.get("BufferSizeInMBs", 1))
            return _Processor(
                given["LambdaArn"], int(given.get("NumberOfRetries", 3)), int(megabytes * 1024 * 1024)
            )
    return None


def _batches(records: list[Record], batch_bytes: int) -> list[list[Record]]:
    """Bounded by the buffering hint (data) and by the 6 MB of a request (base64 and its envelope)."""
    batches: list[list[Record]] = []
    size = request = 0
    for record in records:
        encoded = (len(record.data) + 2) // 3 * 4 + _ENVELOPE
        if not batches or size + len(record.data) > batch_bytes or request + encoded > _LIMIT - 1024:
            batches.append([])
            size = request = 0
        batches[-1].append(record)
        size, request = size + len(record.data), request + encoded
    return batches
