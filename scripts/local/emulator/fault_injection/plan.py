"""The plan of faults that a request to the admin route asks for."""

from dataclasses import dataclass
from typing import Any

from emulator.errors import EmulatorError

_KNOWN = ("firehose_put", "firehose_bytes_per_s", "lambda_kill", "lambda_kill_on", "seed")


class FaultPlanError(EmulatorError):
    """One line that says which part of the request is wrong and what it must be."""


@dataclass(frozen=True)
class Kill:
    """Kills of workers of `function`, at moments `low` to `high` seconds apart at which one is busy."""

    function: str
    low: float
    high: float
    times: int | None = None
    """The number of kills; None for kills without end."""


@dataclass(frozen=True)
class FaultPlan:
    """The faults to inject; without arguments none."""

    firehose_put: float = 0.0
    """The probability for a record to be refused, and for a whole call to go wrong."""
    firehose_bytes_per_s: int | None = None
    """What a stream takes in a second, as its quota does; None for no limit."""
    kill: Kill | None = None
    kill_on: tuple[str, str] | None = None
    """A function and a text: it is killed when it puts a record with the text."""
    seed: int = 0

    def as_json(self) -> dict[str, Any]:
        """The request that asks for this plan; empty when nothing is injected."""
        request: dict[str, Any] = {}
        if self.firehose_put:
            request["firehose_put"] = self.firehose_put
        if self.firehose_bytes_per_s is not None:
            request["firehose_bytes_per_s"] = self.firehose_bytes_per_s
        if self.kill is not None:
            kill = {"function": self.kill.function, "every_s": [self.kill.low, self.kill.high]}
            request["lambda_kill"] = kill if self.kill.times is None else {**kill, "times": self.kill.times}
        if self.kill_on is not None:
            request["lambda_kill_on"] = {"function": self.kill_on[0], "text": self.kill_on[1]}
        return {**request, "seed": self.seed} if request else request


def read_plan(body: Any) -> FaultPlan:
    """Reads a plan from the JSON of a request.

    Raises FaultPlanError for a body that cannot be used: a fault that is misspelt must not be off in silence.
    """
    if not isinstance(body, dict):
        raise FaultPlanError("the body must be a JSON object; {} turns every fault off")
    unknown = sorted(set(body) - set(_KNOWN))
    if unknown:
        raise FaultPlanError(f"unknown fault {unknown[0]!r}: {', '.join(_KNOWN)} are known")
    rate, seed, kill = body.get("firehose_put", 0), body.get("seed", 0), body.get("lambda_kill")
    limit = body.get("firehose_bytes_per_s")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
        raise FaultPlanError(
            "firehose_bytes_per_s must be a whole number of bytes, 0 for a stream that takes nothing"
        )
    if not _is_number(rate) or not 0 <= rate <= 1:
        raise FaultPlanError("firehose_put must be a probability from 0 to 1")
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise FaultPlanError("seed must be a whole number")
    return FaultPlan(
        firehose_put=float(rate),
        firehose_bytes_per_s=limit,
        kill=None if kill is None else _read_kill(kill),
        kill_on=None if body.get("lambda_kill_on") is None else _read_kill_on(body["lambda_kill_on"]),
        seed=seed,
    )


def _read_kill(body: Any) -> Kill:
    if not isinstance(body, dict) or set(body) - {"times"} != {"function", "every_s"}:
        raise FaultPlanError("lambda_kill must be an object of function, every_s and, if it shall end, times")
    function, every, times = body["function"], body["every_s"], body.get("times")
    if not isinstance(function, str) or not function:
        raise FaultPlanError("lambda_kill.function must be the name of a function")
    in_order = (
        isinstance(every, list)
        and len(every) == 2
        and all(map(_is_number, every))
        and 0 < every[0] <= every[1]
    )
    if not in_order:
        raise FaultPlanError("lambda_kill.every_s must be two numbers of seconds, the least and the most")
    if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
        raise FaultPlanError("lambda_kill.times must be a whole number from 1")
    return Kill(function, float(every[0]), float(every[1]), times)


def _read_kill_on(body: Any) -> tuple[str, str]:
    if not isinstance(body, dict) or set(body) != {"function", "text"}:
        raise FaultPlanError("lambda_kill_on must be an object of function and text")
    function, text = body["function"], body["text"]
    if not all(isinstance(value, str) and value for value in (function, text)):
        raise FaultPlanError("lambda_kill_on.function and lambda_kill_on.text must be texts")
    return function, text


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
