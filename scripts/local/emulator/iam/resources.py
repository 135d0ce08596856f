"""The resources that AWS checks a Glue or Athena call against.

A Glue Data Catalog call is allowed only when the policy allows it on the catalog, the database *and* the
table (https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html). ministack checks one of
them, and for GetDatabase the wrong one, so a policy that works on AWS would fail here and the other way
round.
"""

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id
from ministack.services import athena

_ON_DATABASES = frozenset({"GetDatabase", "UpdateDatabase", "DeleteDatabase"})
_ON_TABLES = frozenset(
    {
        "GetTable",
        "DeleteTable",
        "GetTableVersion",
        "GetTableVersions",
        "DeleteTableVersion",
        "BatchDeleteTableVersion",
    }
)
_BY_QUERY = frozenset(
    {"GetQueryExecution", "GetQueryResults", "StopQueryExecution", "GetQueryRuntimeStatistics"}
)

# SQS has no actions of its own for batches: the right to send is the right to send ten at once.
_BATCHES = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}


def glue_resource(action: str, request: dict[str, Any], region: str, account: str) -> str | None:
    """The most specific catalog resource of a Glue call, or None for calls that are not about the catalog."""
    base = f"arn:aws:glue:{region}:{account}"
    name = request.get("Name")
    if action in _ON_DATABASES and name:
        return f"{base}:database/{name}"
    if action == "CreateDatabase":
        return f"{base}:database/{(request.get('DatabaseInput') or {}).get('Name', '*')}"
    database = request.get("DatabaseName")
    if not database:
        return None
    table = request.get("TableName")
    if action in _ON_TABLES:
        table = name or request.get("TableName")
    elif action in ("CreateTable", "UpdateTable"):
        table = (request.get("TableInput") or {}).get("Name")
    elif action == "GetTables":
        table = "*"
    return f"{base}:table/{database}/{table}" if table else f"{base}:database/{database}"


def catalog_chain(resource: str) -> list[str]:
    """`resource` and everything above it in the Data Catalog."""
    base, _, path = resource.rpartition(":")
    if path.startswith("table/"):
        return [resource, f"{base}:database/{path.split('/')[1]}", f"{base}:catalog"]
    if path.startswith("database/"):
        return [resource, f"{base}:catalog"]
    return [resource]


def athena_resource(action: str, request: dict[str, Any], region: str, account: str) -> str | None:
    """Calls about a query are checked on the work group that the query ran in."""
    if action in _BY_QUERY:
        execution = athena._executions.get(request.get("QueryExecutionId", "")) or {}
        group = execution.get("WorkGroup")
    elif action == "StartQueryExecution":
        group = request.get("WorkGroup", "primary")
    else:
        return None
    return f"arn:aws:athena:{region}:{account}:workgroup/{group}" if group else None


def strict_resource(original: Callable[..., str]) -> Callable[..., str]:
    """Wraps ministack's lookup of the resource so that Glue and Athena calls have the one that AWS checks."""

    def extract(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: Any,
        params: Any,
        region: str,
        account: str,
    ) -> str:
        lookup = {"glue": glue_resource, "athena": athena_resource}.get(service)
        if lookup is not None and not path.startswith("/iceberg"):
            action = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
            resource = lookup(action, _json(body), region, account)
            if resource is not None:
                return resource
        return original(service, method, path, headers, body, params, region, account)

    return extract


def strict_enforce(original: Callable[..., Any], denies: Callable[[str], bool]) -> Callable[..., Any]:
    """Wraps ministack's decision: a call on a catalog resource must be allowed on those above it as well.

    denies: whether the rights of a principal, by its ARN, have not spread yet.
    """

    def enforce(
        access_key: str, action: str, service: str, region: str, resource_arn: str = "*", **more: Any
    ) -> Any:
        action = _BATCHES.get(action, action)
        arn = getattr(
            iam_evaluator.resolve_credential(access_key or "", get_account_id()), "principal_arn", ""
        )
        if denies(arn):
            return iam_evaluator.EvalResult("ImplicitDeny", principal_arn=arn)
        for resource in catalog_chain(resource_arn) if service == "glue" else [resource_arn]:
            refused = original(access_key, action, service, region, resource_arn=resource, **more)
            if refused is not None:
                return refused
        return None

    return enforce


def parsed_once(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Wraps ministack's parser of policies, which runs for every request, so that it parses a policy once.

    Nobody changes a parsed policy.
    """
    known = lru_cache(maxsize=1_000)(original)

    def parse(document: Any) -> Any:
        return known(document) if isinstance(document, str) else original(document)

    return parse


def _json(body: Any) -> dict[str, Any]:
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}
