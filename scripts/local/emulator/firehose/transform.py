"""Invokes the transform Lambda, and holds it to its contract.

Every record comes back once, with a status, and the whole answer fits into 6 MB:

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

from emulator.errors import EmulatorError
from emulator.firehose.records import FailedRecord, Record, Row
from emulator.iam.credentials import Credentials, client
from emulator.limits import LAMBDA_PAYLOAD_BYTES, MIB

logger = logging.getLogger("lean_ops.firehose")

_ENVELOPE_BYTES = 200
"""Bytes of the request around each record's data."""
_REQUEST_BYTES = 1024
"""Bytes of the request around all of its records."""
_RESULTS = ("Ok", "Dropped", "ProcessingFailed")
_PARALLEL = 4


class TransformError(EmulatorError):
    """The invocation failed, or its whole answer cannot be used; `code` is Firehose's errorCode."""

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
    ) -> tuple[list[Row], list[FailedRecord]]:
        processor = _processor(config)
        if processor is None:
            return [_row(config, record, record.data, {}) for record in records], []
        rows: list[Row] = []
        failures: list[FailedRecord] = []
        batches = _batches(records, processor.batch_bytes)
        for batch_rows, batch_failures in self._pool.map(
            lambda b: self._batch(stream, config, session, processor, b), batches
        ):
            rows += batch_rows
            failures += batch_failures
        return rows, failures

    def _batch(
        self,
        stream: dict[str, Any],
        config: dict[str, Any],
        session: Credentials,
        processor: _Processor,
        batch: list[Record],
    ) -> tuple[list[Row], list[FailedRecord]]:
        for attempt in range(1, processor.retries + 2):
            try:
                return _sort(config, batch, self._invoke(stream, session, processor, batch), processor)
            except TransformError as error:
                failure = error
                logger.warning("stream %s, attempt %d: %s: %s", stream["name"], attempt, error.code, error)
                time.sleep(random.uniform(0.05, 0.2) * 2**attempt if attempt <= processor.retries else 0)
        failed = [
            FailedRecord(
                record=record,
                output_type="processing-failed",
                code=failure.code,
                message=str(failure),
                attempts=processor.retries + 1,
                lambda_arn=processor.arn,
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
            raise TransformError(f"Lambda.{code}", found.get("Message", str(error))) from error
        except BotoCoreError as error:
            raise TransformError("Lambda.ConnectionFailure", str(error)) from error
        if answer.get("FunctionError"):
            raise TransformError("Lambda.FunctionError", body.decode(errors="replace")[:1000])
        if len(body) > LAMBDA_PAYLOAD_BYTES:
            raise TransformError(
                "Lambda.FunctionError", f"Response payload size exceeded 6 MB: {len(body)} bytes"
            )
        return check_answer(body, [record.record_id for record in batch])


def check_answer(body: bytes, record_ids: list[str]) -> dict[str, dict[str, Any]]:
    """The answer's records by id, with their data as bytes.

    Raises TransformError when the answer breaks the contract.
    """
    try:
        records = json.loads(body)["records"]
        found: dict[str, dict[str, Any]] = {}
        for record in records:
            key = record["recordId"]
            if key in found:
                raise TransformError(
                    "Lambda.DuplicatedRecordId",
                    f"Multiple records were returned with the same record ID {key}",
                )
            if record["result"] not in _RESULTS:
                raise TransformError("Lambda.JsonProcessingException", f"unknown result {record['result']!r}")
            data = base64.b64decode(record["data"], validate=True) if record["result"] == "Ok" else b""
            found[key] = {**record, "data": data}
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        message = f"There was an error parsing returned records from the Lambda function: {error!r}"
        raise TransformError("Lambda.JsonProcessingException", message) from error
    missing = [key for key in record_ids if key not in found]
    if missing:
        raise TransformError(
            "Lambda.MissingRecordId",
            f"The Lambda function did not return record ID {missing[0]} ({len(missing)} missing)",
        )
    if len(found) > len(record_ids):
        raise TransformError(
            "Lambda.JsonProcessingException", "The Lambda function returned record IDs that it was not given"
        )
    return found


def _sort(
    config: dict[str, Any], batch: list[Record], answer: dict[str, dict[str, Any]], processor: _Processor
) -> tuple[list[Row], list[FailedRecord]]:
    rows: list[Row] = []
    failures: list[FailedRecord] = []
    for record in batch:
        given = answer[record.record_id]
        if given["result"] == "Ok":
            rows.append(
                _row(config, record, given["data"], (given.get("metadata") or {}).get("otfMetadata") or {})
            )
        elif given["result"] == "ProcessingFailed":
            failures.append(
                FailedRecord(
                    record=record,
                    output_type="processing-failed",
                    code="Lambda.ProcessingFailedStatus",
                    message="ProcessingFailed status set for record",
                    lambda_arn=processor.arn,
                )
            )
        else:
            logger.warning(
                "record %s was dropped by %s: it is gone and counts as a success",
                record.record_id,
                processor.arn,
            )
    return rows, failures


def _row(config: dict[str, Any], record: Record, data: bytes, metadata: dict[str, Any]) -> Row:
    default = (config.get("DestinationTableConfigurationList") or [{}])[0]
    return Row(
        record=record,
        data=data,
        database=metadata.get("destinationDatabaseName") or default.get("DestinationDatabaseName") or "",
        table=metadata.get("destinationTableName") or default.get("DestinationTableName") or "",
        operation=str(metadata.get("operation") or "insert").lower(),
    )


def _processor(config: dict[str, Any]) -> _Processor | None:
    processing = config.get("ProcessingConfiguration") or {}
    if not processing.get("Enabled"):
        return None
    for processor in processing.get("Processors") or []:
        if processor.get("Type") == "Lambda":
            given = {p["ParameterName"]: p["ParameterValue"] for p in processor.get("Parameters") or []}
            megabytes = float(given.get("BufferSizeInMBs", 1))
            return _Processor(given["LambdaArn"], int(given.get("NumberOfRetries", 3)), int(megabytes * MIB))
    return None


def _batches(records: list[Record], batch_bytes: int) -> list[list[Record]]:
    """Cuts the records into batches.

    The buffering hint bounds a batch's data. Lambda's quota bounds the request, which has the data in base64.
    """
    batches: list[list[Record]] = []
    size = request = 0
    for record in records:
        encoded = (len(record.data) + 2) // 3 * 4 + _ENVELOPE_BYTES
        if (
            not batches
            or size + len(record.data) > batch_bytes
            or request + encoded > LAMBDA_PAYLOAD_BYTES - _REQUEST_BYTES
        ):
            batches.append([])
            size = request = 0
        batches[-1].append(record)
        size, request = size + len(record.data), request + encoded
    return batches
