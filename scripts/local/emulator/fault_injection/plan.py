"""The plan of faults that a request to the admin route asks for."""

from dataclasses import dataclass
from typing import Any

from emulator.errors import EmulatorError


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
    kill: Kill | None = None
    seed: int = 0

    def as_json(self) -> dict[str, Any]:
        """The request that asks for this plan; empty when nothing is injected."""
        request: dict[str, Any] = {}
        if self.firehose_put:
            request["firehose_put"] = self.firehose_put
        if self.kill is not None:
            kill = {"function": self.kill.function, "every_s": [self.kill.low, self.kill.high]}
            request["lambda_kill"] = kill if self.kill.times is None else {**kill, "times": self.kill.times}
        return {**request, "seed": self.seed} if request else request


def read_plan(body: Any) -> FaultPlan:
    """Reads a plan from the JSON of a request.

    Raises FaultPlanError for a body that cannot be used: a fault that is misspelt must not be off in silence.
    """
    if not isinstance(body, dict):
        raise FaultPlanError("the body must be a JSON object; {} turns every fault off")
    unknown = sorted(set(body) - {"firehose_put", "lambda_kill", "seed"})
    if unknown:
        raise FaultPlanError(f"unknown fault {unknown[0]!r}: firehose_put, lambda_kill and seed are known")
    rate, seed, kill = body.get("firehose_put", 0), body.get("seed", 0), body.get("lambda_kill")
    if not _is_number(rate) or not 0 <= rate <= 1:
        raise FaultPlanError("firehose_put must be a probability from 0 to 1")
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise FaultPlanError("seed must be a whole number")
    return FaultPlan(float(rate), None if kill is None else _read_kill(kill), seed)


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


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
