"""The plan of faults that a request to the admin route asks for."""

from dataclasses import dataclass
from typing import Any

from emulator.errors import EmulatorError

_NUMBERS = ("glue_starts_throttled", "glue_calls_throttled")
_KNOWN = (
    *("firehose_put", "firehose_bytes_per_s", "lambda_kill", "lambda_kill_on"),
    *(*_NUMBERS, "glue_catalog", "glue_commit_held", "deny", "seed"),
)


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
class Denial:
    """Denies `role` everything for a time from its first call, as when its policies have not spread yet."""

    role: str
    seconds: float


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
    glue_starts_throttled: int = 0
    """The number of calls of StartJobRun to refuse as too many, from now on."""
    glue_catalog: float = 0.0
    """The probability for a call of the Data Catalog to be refused as one too many."""
    glue_calls_throttled: int = 0
    """The number of calls of the Data Catalog to refuse in a row, from now on."""
    glue_commit_held: str | None = None
    """The name of a table: the next commit to it gets its answer only when another plan is set."""
    deny: Denial | None = None

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
        if self.glue_starts_throttled:
            request["glue_starts_throttled"] = self.glue_starts_throttled
        if self.glue_calls_throttled:
            request["glue_calls_throttled"] = self.glue_calls_throttled
        if self.glue_catalog:
            request["glue_catalog"] = self.glue_catalog
        if self.glue_commit_held is not None:
            request["glue_commit_held"] = self.glue_commit_held
        if self.deny is not None:
            request["deny"] = {"role": self.deny.role, "seconds": self.deny.seconds}
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
    rates = {name: body.get(name, 0) for name in ("firehose_put", "glue_catalog")}
    for name, rate in rates.items():
        if not _is_number(rate) or not 0 <= rate <= 1:
            raise FaultPlanError(f"{name} must be a probability from 0 to 1")
    numbers = {name: body.get(name, 0) for name in ("seed", *_NUMBERS)}
    for name, number in numbers.items():
        if not isinstance(number, int) or isinstance(number, bool):
            raise FaultPlanError(f"{name} must be a whole number")
    kill, deny = body.get("lambda_kill"), body.get("deny")
    held = body.get("glue_commit_held")
    if held is not None and (not isinstance(held, str) or not held):
        raise FaultPlanError("glue_commit_held must be the name of a table")
    limit = body.get("firehose_bytes_per_s")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
        raise FaultPlanError(
            "firehose_bytes_per_s must be a whole number of bytes, 0 for a stream that takes nothing"
        )
    return FaultPlan(
        firehose_put=float(rates["firehose_put"]),
        firehose_bytes_per_s=limit,
        kill_on=None if body.get("lambda_kill_on") is None else _read_kill_on(body["lambda_kill_on"]),
        kill=None if kill is None else _read_kill(kill),
        seed=numbers["seed"],
        glue_starts_throttled=numbers["glue_starts_throttled"],
        glue_calls_throttled=numbers["glue_calls_throttled"],
        glue_catalog=float(rates["glue_catalog"]),
        glue_commit_held=held,
        deny=None if deny is None else _read_denial(deny),
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


def _read_denial(body: Any) -> Denial:
    if not isinstance(body, dict) or set(body) != {"role", "seconds"}:
        raise FaultPlanError("deny must be an object of role and seconds")
    role, seconds = body["role"], body["seconds"]
    if not isinstance(role, str) or not role:
        raise FaultPlanError("deny.role must be the name of a role")
    if not _is_number(seconds) or seconds <= 0:
        raise FaultPlanError("deny.seconds must be a number of seconds")
    return Denial(role, float(seconds))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
