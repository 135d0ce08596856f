"""The error prefix: one object of JSON lines a flush and kind of failure, written as the stream's S3 role.

AWS does not publish how data files that could not be committed are named there: `dataFiles` is our word.
"""

import base64
import json
import logging
import time
import uuid
from itertools import groupby
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from ministack.services import firehose

from emulator.firehose.records import Failure, UncommittedFiles
from emulator.iam.credentials import AccessDenied, client, service_session

logger = logging.getLogger("lean_ops.firehose")

_ATTEMPTS = 3


def write_errors(stream: dict[str, Any], config: dict[str, Any], problems: list[Failure]) -> None:
    """Nothing else holds these records: a failure here is retried, and then logged as a loss."""
    for output_type, group in groupby(
        sorted(problems, key=lambda p: p.output_type), key=lambda p: p.output_type
    ):
        lines = [json.dumps(_document(problem)) + "\n" for problem in group]
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                _put(stream, config, output_type, "".join(lines).encode())
                break
            except (ClientError, BotoCoreError, AccessDenied) as error:
                if attempt == _ATTEMPTS:
                    logger.error("stream %s: %d records are lost: %s", stream["name"], len(lines), error)
                time.sleep(0.2 * attempt)


def _put(stream: dict[str, Any], config: dict[str, Any], output_type: str, body: bytes) -> None:
    place = config["S3Configuration"]
    session = service_session(
        place.get("RoleARN") or config["RoleARN"], "firehose.amazonaws.com", stream["name"]
    )
    now = time.gmtime()
    template = place.get("ErrorOutputPrefix")
    if template:
        prefix = firehose._evaluate_prefix(template, now, error_type=output_type)
        # Without an expression for it, Firehose puts the kind of failure behind the prefix.
        if "error-output-type" not in template:
            prefix = f"{template.rstrip('/')}/{output_type}/{time.strftime('%Y/%m/%d/%H/', now)}"
    else:
        prefix = f"{place.get('Prefix', '')}{output_type}/{time.strftime('%Y/%m/%d/%H/', now)}"
    when = time.strftime("%Y-%m-%d-%H-%M-%S", now)
    name = f"{stream['name']}-{stream.get('version', 1)}-{when}-{uuid.uuid4()}"
    bucket = firehose._s3_bucket_from_arn(place["BucketARN"])
    client("s3", session).put_object(Bucket=bucket, Key=f"{prefix}{name}", Body=body)


def _document(problem: Failure) -> dict[str, Any]:
    if isinstance(problem, UncommittedFiles):
        return {
            "attemptsMade": problem.attempts,
            "arrivalTimestamp": problem.arrived,
            "errorCode": problem.code,
            "errorMessage": problem.message,
            "attemptEndingTimestamp": int(time.time() * 1000),
            "dataFiles": problem.files,
        }
    document = {
        "attemptsMade": problem.attempts,
        "arrivalTimestamp": problem.record.arrived,
        "errorCode": problem.code,
        "errorMessage": problem.message,
        "attemptEndingTimestamp": int(time.time() * 1000),
        "rawData": base64.b64encode(problem.record.data).decode(),
    }
    return {**document, "lambdaArn": problem.lambda_arn} if problem.lambda_arn else document
