"""The linters of what the provider sends find what they are there for, and nothing in sound documents."""

from typing import Any

import pytest
from lint_documents import Finding, Sent, findings

LAKE = "arn:aws:s3:::lake"
SOUND = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [f"{LAKE}/warehouse/*"]}
TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "glue.amazonaws.com"}}
DENY = {"Effect": "Deny", "Action": "s3:*", "Principal": "*", "Resource": [LAKE, f"{LAKE}/*"]}
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 420}}


def policy(statement: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [statement]}


MACHINE = {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}

SOUND_ONES = {
    "templates": {"Resources": {"Q": QUEUE}},
    "identity_policies": policy(SOUND),
    "trust_policies": policy(TRUST),
    "bucket_policies": policy(DENY),
    "state_machines": MACHINE,
}

WRONG_ONES: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "a property that there is not": (
        "templates",
        {"Resources": {"Q": QUEUE | {"Properties": {"VisibilityTimeouts": 1}}}},
        "cfn-lint",
        "E3002",
    ),
    "a value past its bounds": (
        "templates",
        {"Resources": {"Q": QUEUE | {"Properties": {"VisibilityTimeout": 43201}}}},
        "cfn-lint",
        "E3034",
    ),
    "an unknown type": ("templates", {"Resources": {"Q": {"Type": "AWS::SQS::Queues"}}}, "cfn-lint", "E3006"),
    "an unknown action": (
        "identity_policies",
        policy(SOUND | {"Action": ["s3:GetObjects"]}),
        "cfn-lint",
        "W3037",
    ),
    "an unknown action, by the other linter": (
        "identity_policies",
        policy(SOUND | {"Action": ["s3:GetObjects"]}),
        "parliament",
        "UNKNOWN_ACTION",
    ),
    "an action on another service's resource": (
        "identity_policies",
        policy(SOUND | {"Action": ["glue:GetTable"]}),
        "cfn-lint",
        "I3510",
    ),
    "a bucket's action on objects": (
        "identity_policies",
        policy(SOUND | {"Action": ["s3:ListBucket"]}),
        "parliament",
        "RESOURCE_MISMATCH",
    ),
    "a condition that the action does not know": (
        "identity_policies",
        policy(SOUND | {"Condition": {"StringEquals": {"glue:CredentialIssuingService": "x"}}}),
        "parliament",
        "UNKNOWN_CONDITION_FOR_ACTION",
    ),
    "an unknown effect": ("identity_policies", policy(SOUND | {"Effect": "Permit"}), "cfn-lint", "E3510"),
    "a trust in an unknown action": (
        "trust_policies",
        policy(TRUST | {"Action": "sts:AssumeRoles"}),
        "cfn-lint",
        "W3037",
    ),
    "a trust in nobody": (
        "trust_policies",
        policy({"Effect": "Allow", "Action": "sts:AssumeRole"}),
        "cfn-lint",
        "E3530",
    ),
    "an unknown action on a bucket": (
        "bucket_policies",
        policy(DENY | {"Action": "s3:GetObjects"}),
        "cfn-lint",
        "W3037",
    ),
    "a state that leads nowhere": (
        "state_machines",
        {"StartAt": "A", "States": {"A": {"Type": "Pass"}}},
        "cfn-lint",
        "E3601",
    ),
}


@pytest.fixture(scope="module")
def found() -> list[Finding]:
    """The findings in all documents at once: loading the definitions of AWS is what takes the time."""
    sent: dict[str, Any] = {kind: {f"sound {kind}": document} for kind, document in SOUND_ONES.items()}
    for address, (kind, document, _, _) in WRONG_ONES.items():
        sent[kind][address] = document
    return findings(Sent(regions=["eu-central-1"], **sent))


def test_sound_documents_have_no_findings(found: list[Finding]) -> None:
    assert not [each for each in found if each["document"].startswith("sound")]


@pytest.mark.parametrize("address", WRONG_ONES)
def test_each_linter_finds_what_is_wrong(found: list[Finding], address: str) -> None:
    _, _, linter, code = WRONG_ONES[address]
    assert (linter, code) in [(each["linter"], each["code"]) for each in found if each["document"] == address]
