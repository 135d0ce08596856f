"""Refuses requests that are signed for another region than the account's, as each of AWS's regions does.

S3 is not among them: it answers by the region of the bucket, which ministack does itself.
"""

from collections.abc import Callable
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_region

_GLOBAL = {"iam": "us-east-1", "sts": "us-east-1"}
"""Services with an endpoint for all regions, and the region that requests to it are signed for. SDKs sign for
their own region when they are given an endpoint, so both are taken."""


def in_region(original: Callable[..., Any], home: str) -> Callable[..., Any]:
    """Wraps ministack's decision on a request to a service of the region `home`."""

    def enforce(
        access_key: str, action: str, service: str, region: str, resource_arn: str = "*", **more: Any
    ) -> Any:
        if _is_elsewhere(service, region, home):
            return _refusal()
        return original(access_key, action, service, region, resource_arn=resource_arn, **more)

    return enforce


def credentials_in_region(original: Callable[..., Any], home: str) -> Callable[..., Any]:
    """Wraps ministack's check of a request that no IAM action covers."""

    def check(access_key: str, service: str | None = None) -> Any:
        if service is not None and _is_elsewhere(service, get_region(), home):
            return _refusal()
        return original(access_key, service)

    return check


def _is_elsewhere(service: str, region: str, home: str) -> bool:
    return service != "s3" and region not in (home, _GLOBAL.get(service))


def _refusal() -> Any:
    return iam_evaluator.AuthError("SignatureDoesNotMatch", "Credential should be scoped to a valid region. ")
