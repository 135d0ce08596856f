"""Credentials of the principals that AWS services act as.

On AWS, Firehose, Glue, Step Functions and event source mappings assume a role before they touch anything.
Here the same session is made in process and registered with ministack's STS, so that every call they make is
checked against that role's policies.
"""

import hashlib
import hmac
import json
import secrets
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import boto3
from botocore.config import Config
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region, set_request_account_id
from ministack.services import iam, sts

from emulator.errors import EmulatorError
from emulator.settings import Settings

_PROCESS_SECRET = secrets.token_bytes(32)
_MAX_NAME_CHARS = 64
"""STS takes no longer session names."""
_lock = threading.Lock()
_settings: Settings | None = None


@dataclass(frozen=True)
class Credentials:
    """A principal's keys."""

    access_key: str
    secret_key: str
    token: str
    arn: str
    """The principal as access-denied messages name it."""

    def environment(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_SESSION_TOKEN": self.token,
        }

    def as_json(self) -> dict[str, str]:
        return {"access_key": self.access_key, "secret_key": self.secret_key, "token": self.token}


class AccessDeniedError(EmulatorError):
    """A principal may not do what it was about to do; the message is AWS's."""


def configure(settings: Settings) -> None:
    global _settings
    _settings = settings
    client.cache_clear()


def service_session(role_arn: str, service: str, session_name: str) -> Credentials:
    """The session that `service` (such as `glue.amazonaws.com`) gets by assuming `role_arn`.

    Raises AccessDeniedError when the role is missing or does not trust the service.
    """
    name = role_arn.rsplit("/", 1)[-1]
    role = iam._roles.get(name)
    if role is None:
        raise AccessDeniedError(f"The role {role_arn} cannot be found")
    if not _trusts(role.get("AssumeRolePolicyDocument"), service):
        raise AccessDeniedError(
            f"{service} is not authorized to assume {role_arn}: its trust policy does not name the service, "
            "or has a condition that the service does not meet"
        )
    session_name = session_name[:_MAX_NAME_CHARS]
    session_arn = f"arn:aws:sts::{get_account_id()}:assumed-role/{name}/{session_name}"
    return _register(session_arn, {"UserId": f"{role.get('RoleId', name)}:{session_name}"})


def caller_session(access_key: str) -> Credentials:
    """A session with the rights of whoever owns `access_key`; Iceberg's clients need one with a token.

    Raises AccessDeniedError when the key is unknown.
    """
    known = iam_evaluator.resolve_credential(access_key, get_account_id())
    if isinstance(known, iam_evaluator.CredentialResolutionError):
        raise AccessDeniedError(known.message)
    if known.session_token:
        return Credentials(access_key, known.secret_access_key, known.session_token, known.principal_arn)
    extra = {
        "UserId": known.principal_id,
        "PrincipalType": known.principal_type,
        "PrincipalName": known.principal_name,
    }
    return _register(known.principal_arn, extra)


def _register(arn: str, extra: dict[str, Any]) -> Credentials:
    """Keys are derived from the principal, so that it has one session, and each service one client for it."""
    digest = hmac.new(_PROCESS_SECRET, arn.encode(), hashlib.sha256).hexdigest()
    derived = hmac.new(_PROCESS_SECRET, digest.encode(), hashlib.sha256).hexdigest()
    session = Credentials(f"ASIA{digest[:16].upper()}", derived[:40], derived[40:] + digest[16:], arn)
    record = {"Arn": arn, "SecretAccessKey": session.secret_key, "SessionToken": session.token, **extra}
    with _lock:
        sts.register_session(session.access_key, {**record, "AccountId": get_account_id()})
    return session


def _trusts(document: Any, service: str) -> bool:
    policy = json.loads(document) if isinstance(document, str) else document or {}
    statements = policy.get("Statement", [])
    for statement in [statements] if isinstance(statements, dict) else statements:
        principal = statement.get("Principal", {})
        named = principal.get("Service", []) if isinstance(principal, dict) else []
        actions = statement.get("Action", [])
        allows = "sts:AssumeRole" in ([actions] if isinstance(actions, str) else actions)
        if (
            statement.get("Effect") == "Allow"
            and allows
            and service in ([named] if isinstance(named, str) else named)
            and _meets(statement.get("Condition", {}), service)
        ):
            return True
    return False


def _meets(condition: dict[str, Any], service: str) -> bool:
    """Whether what the service says of itself when it assumes a role meets the condition of a trust policy.

    A key counts only where AWS documents that the service sends it: a condition on another one would lock the
    service out on AWS. Sources: docs/aws-facts.md, under Rights.
    """
    account = get_account_id()
    said = {
        "firehose.amazonaws.com": {"sts:ExternalId": account},
        "scheduler.amazonaws.com": {"aws:SourceAccount": account},
        "states.amazonaws.com": {"aws:SourceAccount": account},
    }.get(service, {})
    for operator, wanted in condition.items():
        for key, values in wanted.items():
            accepted = [values] if isinstance(values, str) else values
            if operator != "StringEquals" or said.get(key) not in accepted:
                return False
    return True


def require(session: Credentials, action: str, resource: str) -> None:
    """Raises AccessDeniedError unless the principal's policies allow `action` on `resource`."""
    service = action.partition(":")[0]
    refused = iam_evaluator.enforce(session.access_key, action, service, get_region(), resource_arn=resource)
    if refused is not None:
        raise AccessDeniedError(
            f"User: {session.arn} is not authorized to perform: {action} on resource: {resource}"
        )


@lru_cache(maxsize=256)
def client(service: str, session: Credentials, read_timeout: int = 60) -> Any:
    """A boto3 client that acts as `session` against the emulator itself. No retries: callers decide."""
    assert _settings is not None, "configure() comes first"
    keys = boto3.Session(
        aws_access_key_id=session.access_key,
        aws_secret_access_key=session.secret_key,
        aws_session_token=session.token,
        region_name=_settings.region,
    )
    config = Config(
        retries={"total_max_attempts": 1},
        read_timeout=read_timeout,
        proxies={},
        max_pool_connections=16,
        s3={"addressing_style": "path"},
    )
    return keys.client(service, endpoint_url=_settings.endpoint, config=config)


def enter_account(account: str) -> None:
    """Makes `account` the current one: a background thread has no request that would name it."""
    set_request_account_id(account)
