"""EventBridge targets that are Lambda functions: allowed by the function's policy, invoked and retried
asynchronously.
"""

import json
import logging
from typing import Any

from ministack.services import lambda_svc

logger = logging.getLogger("lean_ops.events")

_SERVICES = ("events.amazonaws.com", "scheduler.amazonaws.com")


def dispatch_to_lambda(arn: str, payload: str) -> None:
    """Replaces ministack's, which neither asks for a permission nor retries."""
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
