"""The error prefix, to which each flush writes one object of JSON lines for each kind of failure.

It is written with the stream's S3 role. AWS does not publish under which name it lists data files that could
not be committed: `dataFiles` is a guess.
"""

import base64
import json
import logging
import time
import uuid
from itertools import groupby
from operator import attrgetter
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from ministack.services import firehose

from emulator.firehose.records import Failure, UncommittedFiles
from emulator.iam.credentials import AccessDeniedError, client, service_session

logger = logging.getLogger("lean_ops.firehose")

SERVICE = "firehose.amazonaws.com"
"""The principal that assumes a stream's roles."""
_ATTEMPTS = 3


def write_errors(stream: dict[str, Any], config: dict[str, Any], failures: list[Failure]) -> None:
    """Writes the failures of one flush.

    Nothing else holds these records, so an error here is retried, and then logged as a loss.
    """
    by_type = attrgetter("output_type")
    for output_type, group in groupby(sorted(failures, key=by_type), key=by_type):
        lines = [json.dumps(_document(failure)) + "\n" for failure in group]
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                _put(stream, config, output_type, "".join(lines).encode())
                break
            except (ClientError, BotoCoreError, AccessDeniedError) as error:
                if attempt == _ATTEMPTS:
                    logger.error("stream %s: %d records are lost: %s", stream["name"], len(lines), error)
                time.sleep(0.2 * attempt)


def _put(stream: dict[str, Any], config: dict[str, Any], output_type: str, body: bytes) -> None:
    target = config["S3Configuration"]
    session = service_session(target.get("RoleARN") or config["RoleARN"], SERVICE, stream["name"])
    now = time.gmtime()
    hour = time.strftime("%Y/%m/%d/%H/", now)
    template = target.get("ErrorOutputPrefix")
    if template:
        prefix = firehose._evaluate_prefix(template, now, error_type=output_type)
        # Firehose puts the kind of failure behind a prefix that has no expression for it.
        if "error-output-type" not in template:
            prefix = f"{template.rstrip('/')}/{output_type}/{hour}"
    else:
        prefix = f"{target.get('Prefix', '')}{output_type}/{hour}"
    when = time.strftime("%Y-%m-%d-%H-%M-%S", now)
    name = f"{stream['name']}-{stream.get('version', 1)}-{when}-{uuid.uuid4()}"
    bucket = firehose._s3_bucket_from_arn(target["BucketARN"])
    client("s3", session).put_object(Bucket=bucket, Key=f"{prefix}{name}", Body=body)


def _document(failure: Failure) -> dict[str, Any]:
    content: dict[str, Any]
    if isinstance(failure, UncommittedFiles):
        arrived, content = failure.arrived, {"dataFiles": failure.files}
    else:
        record = failure.record
        arrived, content = record.arrived, {"rawData": base64.b64encode(record.data).decode()}
        if failure.lambda_arn:
            content["lambdaArn"] = failure.lambda_arn
    return {
        "attemptsMade": failure.attempts,
        "arrivalTimestamp": arrived,
        "errorCode": failure.code,
        "errorMessage": failure.message,
        "attemptEndingTimestamp": int(time.time() * 1000),
        **content,
    }
