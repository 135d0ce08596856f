"""Lints the documents that the provider sends to AWS: CloudFormation templates, IAM policies, state machines.

Reads them as JSON from standard input, and writes the findings as JSON to standard output. It asks no server:
cfn-lint and parliament have the definitions of AWS's services in their packages.
"""

import json
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypedDict

from cfnlint import ManualArgs, lint

with warnings.catch_warnings():
    # parliament finds its data through pkg_resources, which says that it will go.
    warnings.simplefilter("ignore")
    from parliament import analyze_policy_string

Document = Mapping[str, Any]
Documents = Mapping[str, Document]
"""Documents by the address of the resource that sends them."""


_MESSAGE_CHARS = 300
"""cfn-lint lists every action of a service that has not the one it was asked for."""


class Sent(TypedDict):
    """What a plan sends."""

    regions: list[str]
    """Where the templates have to be right, as a region may lack a type or a property."""
    templates: Documents
    identity_policies: Documents
    trust_policies: Documents
    bucket_policies: Documents
    state_machines: Documents


class Finding(TypedDict):
    document: str
    linter: str
    code: str
    message: str


def findings(sent: Sent) -> list[Finding]:
    regions = sent["regions"]
    found: list[Finding] = []
    for address, template in sent["templates"].items():
        found += _by_cfn_lint(template, regions, lambda _, at=address: at)
    # cfn-lint knows policies and state machines as parts of templates only.
    parts = dict(_as_resources(sent))
    resources = {f"Part{number}": resource for number, (_, resource) in enumerate(parts.items())}
    addresses = dict(zip(resources, parts, strict=True))
    found += _by_cfn_lint({"Resources": resources}, regions, lambda name: addresses.get(name, name))
    for address, policy in sent["identity_policies"].items():
        found += _by_parliament(policy, address)
    return found


def _as_resources(sent: Sent) -> Iterator[tuple[str, Document]]:
    for number, (address, policy) in enumerate(sent["identity_policies"].items()):
        properties = {"RoleName": "role", "PolicyName": f"policy{number}", "PolicyDocument": policy}
        yield address, {"Type": "AWS::IAM::RolePolicy", "Properties": properties}
    for address, policy in sent["trust_policies"].items():
        yield address, {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": policy}}
    for number, (address, policy) in enumerate(sent["bucket_policies"].items()):
        properties = {"Bucket": f"bucket{number}", "PolicyDocument": policy}
        yield address, {"Type": "AWS::S3::BucketPolicy", "Properties": properties}
    for address, definition in sent["state_machines"].items():
        properties = {"RoleArn": "arn:aws:iam::123456789012:role/role", "Definition": definition}
        yield address, {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}


def _by_cfn_lint(template: Document, regions: list[str], address_of: Callable[[str], str]) -> list[Finding]:
    # I3510 tells of actions that none of their resources can mean. Other notes of that kind are about style.
    config = ManualArgs(regions=regions, include_checks=["I3510"])
    return [
        {
            "document": address_of(str(match.path[1]) if match.path and len(match.path) > 1 else ""),
            "linter": "cfn-lint",
            "code": match.rule.id,
            "message": f"{match.message[:_MESSAGE_CHARS]} (at {'/'.join(map(str, match.path or []))})",
        }
        for match in lint(json.dumps(template), config=config)
        if match.rule.id == "I3510" or not match.rule.id.startswith("I")
    ]


def _by_parliament(policy: Document, address: str) -> list[Finding]:
    return [
        {
            "document": address,
            "linter": "parliament",
            "code": finding.issue,
            "message": f"{finding.detail or ''} {finding.location}",
        }
        for finding in analyze_policy_string(json.dumps(policy)).findings
    ]


if __name__ == "__main__":
    json.dump(findings(json.load(sys.stdin)), sys.stdout)
