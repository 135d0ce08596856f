"""Requests that Terraform sends again because their answer was lost."""

import asyncio
from typing import Any

import pytest

from emulator.events.repeats import Repeats

TERRAFORM = "APN/1.0 HashiCorp/1.0 Terraform/1.9.0 terraform-provider-aws/5.100"
MADE = [
    {"type": "http.response.start", "status": 200, "headers": []},
    {"type": "http.response.body", "body": b"<Role/>"},
]
REFUSED = [{"type": "http.response.start", "status": 409, "headers": []}, {"type": "http.response.body"}]


def request(call: str, attempt: int, agent: str = TERRAFORM, method: str = "POST") -> dict[str, Any]:
    headers = {
        "user-agent": agent,
        "amz-sdk-invocation-id": call,
        "amz-sdk-request": f"attempt={attempt}; max=25",
    }
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": method, "path": "/", "headers": pairs}


def respond(repeats: Repeats, scope: dict[str, Any], messages: list[dict[str, Any]]) -> None:
    async def lost(_: dict[str, Any]) -> None:
        pass

    async def run() -> None:
        watched = repeats.watch(scope, lost)
        for message in messages:
            await watched(message)

    asyncio.run(run())


def test_a_call_that_comes_again_gets_the_same_answer() -> None:
    repeats = Repeats()
    assert repeats.answer(request("a", 1)) is None
    respond(repeats, request("a", 1), MADE)
    assert repeats.answer(request("a", 2)) == MADE
    assert repeats.answer(request("b", 2)) is None


def test_a_refused_call_that_comes_again_is_made_again() -> None:
    repeats = Repeats()
    respond(repeats, request("a", 1), REFUSED)
    assert repeats.answer(request("a", 2)) is None


@pytest.mark.parametrize(
    "scope",
    [request("a", 2, agent="Boto3/1.43.106"), request("a", 2, method="GET"), {"type": "lifespan"}],
    ids=["another client", "a read", "no request"],
)
def test_others_meet_what_aws_would_say(scope: dict[str, Any]) -> None:
    repeats = Repeats()
    respond(repeats, scope, MADE)
    respond(repeats, request("a", 1), MADE)
    assert repeats.answer(scope) is None


def test_only_so_many_are_remembered() -> None:
    repeats = Repeats()
    for n in range(501):
        respond(repeats, request(str(n), 1), MADE)
    assert repeats.answer(request("0", 2)) is None
    assert repeats.answer(request("1", 2)) == MADE
