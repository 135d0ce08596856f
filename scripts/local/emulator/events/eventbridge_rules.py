"""EventBridge targets that are Lambda functions.

The function's policy must allow the invocation, which is asynchronous and retried.
"""

import contextvars
import json
import logging
from collections.abc import Callable
from typing import Any

from ministack.services import lambda_svc

logger = logging.getLogger("lean_ops.events")

_version: contextvars.ContextVar[str | None] = contextvars.ContextVar("s3_event_version", default=None)
_SERVICES = ("events.amazonaws.com", "scheduler.amazonaws.com")


def dispatch_to_lambda(arn: str, payload: str) -> None:
    """Replaces ministack's function, which neither checks a permission nor retries."""
    function, config, name = lambda_svc._get_func_record_for_ref(arn)
    if not function or not config:
        logger.warning("EventBridge: there is no function %s", name)
        return
    if not _allowed(arn):
        logger.warning("EventBridge: the policy of %s does not let events.amazonaws.com invoke it", name)
        return
    lambda_svc.invoke_async_with_retry(
        lambda_svc._execution_record_for_config(function, config), json.loads(payload)
    )


def _allowed(arn: str) -> bool:
    found = lambda_svc.function_policy_for_arn(arn)
    policy: Any = found[0] if found else {}
    if isinstance(policy, str):
        policy = json.loads(policy)
    for statement in (policy or {}).get("Statement", []):
        principal = statement.get("Principal", {})
        service = principal.get("Service") if isinstance(principal, dict) else principal
        services = [service] if isinstance(service, str) else service or []
        if statement.get("Effect") == "Allow" and any(name in services for name in (*_SERVICES, "*")):
            return True
    return False


def remember_version(original: Callable[..., None]) -> Callable[..., None]:
    """Wraps s3._fire_s3_event, which drops the object's version; `add_version` takes it from here."""

    def fire(*args: Any, **kwargs: Any) -> None:
        token = _version.set(kwargs.get("version_id"))
        try:
            original(*args, **kwargs)
        finally:
            _version.reset(token)

    return fire


def add_version(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps eventbridge._dispatch_event so that events of versioned buckets carry `version-id`, as on AWS."""

    def dispatch(event: dict[str, Any], *args: Any) -> Any:
        version = _version.get()
        if version is not None and event.get("Source") == "aws.s3":
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version
            event = {**event, "Detail": json.dumps(detail)}
        return original(event, *args)

    return dispatch
