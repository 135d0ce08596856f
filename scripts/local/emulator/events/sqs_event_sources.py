"""SQS event source mappings as on AWS.

They have large batches, batching windows, Lambda's limit of 6 MB, partial failures, and poll with the
function's own role:
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

import json
import logging
import time
from typing import Any

from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import _request_account_id, _request_region, get_account_id, get_region
from ministack.services import lambda_svc, sqs

from emulator.iam.credentials import AccessDeniedError, require, service_session
from emulator.limits import LAMBDA_PAYLOAD_BYTES

logger = logging.getLogger("lean_ops.events")

_RECORD_BYTES = 900
"""Bytes of the event around each message's body."""
_ACTIONS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
_RIGHTS_SECONDS = 5.0
"""How long an answer about the role's rights is relied on."""

_since: dict[str, float] = {}
"""When the window of a mapping's next batch began, in epoch seconds, by the mapping's UUID."""
_allowed_until: dict[str, float] = {}
"""Until when a mapping may read without another check, in epoch seconds, by the mapping's UUID."""


def poll() -> bool:
    """Replaces ministack's pass over all mappings. Returns whether any batch was taken."""
    taken = False
    for account, region, mapping in lambda_svc._iter_all_esms():
        account_token, region_token = _request_account_id.set(account), _request_region.set(region)
        try:
            taken = _poll_one(mapping) or taken
        finally:
            _request_account_id.reset(account_token)
            _request_region.reset(region_token)
    return taken


def _poll_one(mapping: dict[str, Any]) -> bool:
    if not mapping.get("Enabled", True):
        return False
    try:
        source = parse_arn(mapping.get("EventSourceArn", ""))
    except ArnParseError:
        return False
    key = mapping["UUID"]
    name = lambda_svc._sqs_queue_name_from_arn_spec(source)
    function, config = lambda_svc._get_func_record_for_qualifier(
        mapping["FunctionName"], mapping.get("Qualifier")
    )
    url = sqs._queue_url(name) if name else ""
    queue = sqs._queues.get(url)
    if source.service != "sqs" or function is None or not queue:
        return False
    if lambda_svc._esm_backoff_until.get(key, 0) > time.time():
        return False
    if lambda_svc._esm_inflight.get(key, 0) >= lambda_svc._sqs_esm_concurrency(
        mapping, function, config, queue
    ):
        return False
    batch = _take(mapping, url, queue, lambda: _may_read(mapping, config))
    if not batch:
        return False
    records = [_record(message, mapping["EventSourceArn"]) for message in batch]
    kept = lambda_svc._apply_filter_criteria(records, mapping)
    if not kept:
        sqs._delete_messages_for_esm(url, {message["receipt_handle"] for message in batch})
        return True
    lambda_svc._dispatch_esm_batch(key, run_batch, mapping, function, {"Records": kept}, batch, url, name)
    return True


def _may_read(mapping: dict[str, Any], config: dict[str, Any]) -> bool:
    """Whether the function's execution role, with which a mapping polls on AWS, may read the queue."""
    key, now = mapping["UUID"], time.time()
    if _allowed_until.get(key, 0) > now:
        return True
    try:
        session = service_session(config.get("Role", ""), "lambda.amazonaws.com", mapping["FunctionName"])
        for action in _ACTIONS:
            require(session, action, mapping["EventSourceArn"])
    except AccessDeniedError as error:
        mapping["LastProcessingResult"] = f"PROBLEM: {error}"
        lambda_svc._esm_backoff_until[key] = now + _RIGHTS_SECONDS
        logger.warning("event source mapping of %s: %s", mapping["FunctionName"], error)
        return False
    _allowed_until[key] = now + _RIGHTS_SECONDS
    return True


def _take(mapping: dict[str, Any], url: str, queue: dict[str, Any], allowed: Any) -> list[dict[str, Any]]:
    """Takes a batch from the queue when it is full or its window is over; else nothing."""
    limit = int(mapping.get("BatchSize", 10))
    if queue.get("is_fifo"):
        found: list[dict[str, Any]] = sqs._receive_messages_for_esm(url, limit) if allowed() else []
        return found
    window = float(mapping.get("MaximumBatchingWindowInSeconds", 0))
    key, now = mapping["UUID"], time.time()
    with sqs._queues_lock:
        sqs._expire_retained(queue)
        sqs._dlq_sweep(queue)
        batch: list[dict[str, Any]] = []
        size, full = 0, False
        for message in queue["messages"]:
            sqs._ensure_msg_fields(message)
            if message["visible_at"] > now:
                continue
            bytes_ = _size(message)
            full = len(batch) >= limit or (bool(batch) and size + bytes_ > LAMBDA_PAYLOAD_BYTES)
            if full:
                break
            batch.append(message)
            size += bytes_
        full = full or len(batch) >= limit
        if not batch:
            _since.pop(key, None)
            return []
        if not full and now - _since.setdefault(key, now) < window:
            return []
        if not allowed():
            return []
        _since.pop(key, None)
        invisible = now + int(queue["attributes"].get("VisibilityTimeout", "30"))
        for message in batch:
            message["receipt_handle"] = sqs.new_uuid()
            message["visible_at"] = invisible
            message["receive_count"] += 1
            if message.get("first_receive_at") is None:
                message["first_receive_at"] = now
    return batch


def _size(message: dict[str, Any]) -> int:
    """The message's bytes in the event, in which quotes and backslashes of the body are escaped."""
    body = message["body"]
    plain = len(body) if body.isascii() else len(body.encode())
    return int(plain + body.count('"') + body.count("\\") + _RECORD_BYTES)


def _record(message: dict[str, Any], source_arn: str) -> dict[str, Any]:
    attributes = {
        "ApproximateReceiveCount": str(message.get("receive_count", 1)),
        "SentTimestamp": str(int(message["sent_at"] * 1000)),
        "SenderId": get_account_id(),
        "ApproximateFirstReceiveTimestamp": str(int((message.get("first_receive_at") or time.time()) * 1000)),
    }
    system = message.get("sys") or {}
    for name in ("AWSTraceHeader", "DeadLetterQueueSourceArn"):
        if system.get(name):
            attributes[name] = system[name]
    optional = {"MessageGroupId": "group_id", "MessageDeduplicationId": "dedup_id", "SequenceNumber": "seq"}
    attributes |= {name: str(message[key]) for name, key in optional.items() if message.get(key)}
    return {
        "messageId": message["id"],
        "receiptHandle": message["receipt_handle"],
        "body": message["body"],
        "attributes": attributes,
        "messageAttributes": lambda_svc._sqs_message_attributes_to_camel_case(
            message.get("message_attributes", {})
        ),
        "md5OfBody": message.get("md5_body") or message.get("md5") or "",
        "eventSource": "aws:sqs",
        "eventSourceARN": source_arn,
        "awsRegion": get_region(),
    }


def run_batch(
    mapping: dict[str, Any],
    function: dict[str, Any],
    event: Any,
    batch: list[dict[str, Any]],
    url: str,
    name: str,
) -> None:
    """Replaces ministack's function. Deletes the messages that the function does not report as failed.

    When the whole batch counts as failed, nothing is deleted.
    """
    started = time.time()
    result = lambda_svc._execute_function(function, event)
    error = bool(result.get("error"))
    milliseconds = (time.time() - started) * 1000
    lambda_svc._emit_lambda_metrics(function["config"]["FunctionName"], milliseconds, error, False)
    if error:
        failed, reason = None, f"the function failed: {str(result.get('body'))[:500]}"
    else:
        reports = "ReportBatchItemFailures" in mapping.get("FunctionResponseTypes", [])
        failed, reason = (
            failed_items(result.get("body"), {m["id"] for m in batch}) if reports else (set(), "")
        )
    if failed is None:
        mapping["LastProcessingResult"] = "FAILED"
        lambda_svc._esm_backoff_until[mapping["UUID"]] = time.time() + lambda_svc._ESM_BACKOFF_SECONDS
        logger.warning(
            "%s: %d messages of %s return to the queue: %s", mapping["FunctionName"], len(batch), name, reason
        )
        return
    lambda_svc._esm_backoff_until.pop(mapping["UUID"], None)
    done = {message["receipt_handle"] for message in batch if message["id"] not in failed}
    sqs._delete_messages_for_esm(url, done)
    mapping["LastProcessingResult"] = f"OK - {len(done)} records" + (
        f", {len(failed)} failed" if failed else ""
    )


def failed_items(body: Any, sent: set[str]) -> tuple[set[str] | None, str]:
    """The ids that the function reports as failed, or None and why the whole batch counts as failed.

    No answer, `null`, an empty object and an empty list are success. An id that is empty or was not sent
    fails the whole batch.
    """
    if isinstance(body, str | bytes) and body:
        try:
            body = json.loads(body)
        except ValueError:
            return None, "the response is not JSON"
    if not body:
        return set(), ""
    if not isinstance(body, dict):
        return None, "the response is not an object"
    reported = body.get("batchItemFailures") or []
    if not isinstance(reported, list):
        return None, "batchItemFailures is not a list"
    failed: set[str] = set()
    for item in reported:
        key = item.get("itemIdentifier") if isinstance(item, dict) else None
        if not isinstance(key, str) or key not in sent:
            return None, f"itemIdentifier {key!r} is not in the batch"
        failed.add(key)
    return failed, ""
