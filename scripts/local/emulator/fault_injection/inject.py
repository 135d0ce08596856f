"""A bad day at AWS, on demand and from a seed.

Firehose fails, functions die in mid-invocation, Glue is asked too often, and the rights of roles have not
spread yet.

Nothing is injected unless a request to the admin route `faults` asks for it.
"""

import base64
import json
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from ministack.core import lambda_runtime

from emulator.fault_injection.plan import FaultPlan, Kill
from emulator.responses import Response, answer, refusal

logger = logging.getLogger("lean_ops.faults")

LATE_SECONDS = 5.5
"""A little more than the 5 seconds after which the callers here give a call up."""
_RECORD_CODES = ("ServiceUnavailableException", "InternalFailure")
_CALL_FAULTS = ("firehose_call_refused", "firehose_call_failed_after_taking", "firehose_call_late")
_CALL_WEIGHTS = (45, 45, 10)
"""The weights of _CALL_FAULTS. A late answer costs seconds of a run's time, so it is the rare one."""
_SLOW_DOWN = "Slow down."
_TOO_MANY = "Rate exceeded"

Handler = Callable[[dict[str, Any]], Response]


class FaultInjector:
    """Injects the faults of one plan, and counts how often each was injected since the start."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plan = FaultPlan()
        self._random = random.Random()
        self._counts: Counter[str] = Counter()
        self._window = (0, 0)
        """The second of the last call that a limit was held against, and the bytes taken in it."""
        self._end_kills = threading.Event()
        self._denied_until: float | None = None
        self._starts_to_throttle = 0
        self._calls_to_throttle = 0
        self._held_commit: dict[str, Any] | None = None
        """The request of the commit that is held up."""
        self._let_go = threading.Event()

    def configure(self, plan: FaultPlan) -> None:
        """Replaces the plan. An empty one turns everything off."""
        with self._lock:
            self._plan = plan
            self._starts_to_throttle = plan.glue_starts_throttled
            self._calls_to_throttle = plan.glue_calls_throttled
            self._denied_until = None
            self._held_commit = None
            self._let_go.set()
            self._let_go = threading.Event()
            self._random = random.Random(plan.seed)
            self._end_kills.set()
            self._end_kills = threading.Event()
            if plan.kill is not None:
                arguments = (plan.kill, random.Random(plan.seed), self._end_kills)
                threading.Thread(
                    target=self._kill_workers, args=arguments, name="faults-kill", daemon=True
                ).start()

    def status(self) -> dict[str, Any]:
        with self._lock:
            return {"set": self._plan.as_json(), "injected": dict(self._counts)}

    # Firehose

    def put(self, original: Handler, data: dict[str, Any]) -> Response:
        """Answers PutRecord or PutRecordBatch, with the faults that are drawn for this call."""
        if self._kills_its_sender(data.get("Records") or []):
            return refusal("InternalFailure", "Nobody hears this answer.", 500)
        size = len(data.get("Records") or [0])
        with self._lock:
            rate = self._plan.firehose_put
            fault = None
            if rate and self._random.random() < rate:
                (fault,) = self._random.choices(_CALL_FAULTS, _CALL_WEIGHTS)
                self._counts[fault] += 1
        if fault == "firehose_call_refused":
            self._count("firehose_records_in_refused_calls", size)
            return refusal("ServiceUnavailableException", _SLOW_DOWN, 503)
        if fault is not None:
            # Everything is taken and the sender does not learn it, so that it has to count it as not taken.
            response = original(data)
            if response[0] != 200:
                return response
            self._count("firehose_records_taken_unanswered", size)
            if fault == "firehose_call_late":
                time.sleep(LATE_SECONDS)
                return response
            return refusal("InternalFailure", "The request processing has failed.", 500)
        records = data.get("Records") or []
        refused = self._refused_records(len(records)) | self._throttled_records(records)
        return _put_others(original, data, refused) if refused else original(data)

    def _refused_records(self, count: int) -> dict[int, str]:
        """The error codes of the records that are not taken, by their index in the batch."""
        with self._lock:
            rate = self._plan.firehose_put
            if not rate:
                return {}
            draw = self._random
            refused = {n: draw.choice(_RECORD_CODES) for n in range(count) if draw.random() < rate}
            self._counts["firehose_record_refused"] += len(refused)
        return refused

    def _throttled_records(self, records: list[dict[str, Any]]) -> dict[int, str]:
        """The records that the stream has no throughput for in this second."""
        with self._lock:
            limit = self._plan.firehose_bytes_per_s
            if limit is None:
                return {}
            now = int(time.time())
            taken = self._window[1] if self._window[0] == now else 0
            throttled: dict[int, str] = {}
            for n, record in enumerate(records):
                size = len(record["Data"]) * 3 // 4
                if taken + size > limit:
                    throttled[n] = "ServiceUnavailableException"
                else:
                    taken += size
            self._window = (now, taken)
            self._counts["firehose_record_throttled"] += len(throttled)
        return throttled

    # Glue

    def start_is_throttled(self) -> bool:
        """Whether this call of StartJobRun is one too many."""
        with self._lock:
            throttled = self._starts_to_throttle > 0
            if throttled:
                self._starts_to_throttle -= 1
                self._counts["glue_start_throttled"] += 1
        return throttled

    def catalog(self, original: Handler) -> Handler:
        """Wraps a handler of the Data Catalog, so that some of its calls are too many."""

        def call(data: dict[str, Any]) -> Response:
            with self._lock:
                rate = self._plan.glue_catalog
                throttled = self._calls_to_throttle > 0 or (bool(rate) and self._random.random() < rate)
                self._calls_to_throttle = max(0, self._calls_to_throttle - 1)
                if throttled:
                    self._counts["glue_catalog_throttled"] += 1
            return refusal("ThrottlingException", _TOO_MANY) if throttled else original(data)

        return call

    def holding(self, original: Handler) -> Handler:
        """Wraps UpdateTable, so that a commit of the plan's table waits, as if its run had been asleep."""

        def call(data: dict[str, Any]) -> Response:
            wait = self._wait_of(data)
            if wait is not None:
                wait.wait()
            return original(data)

        return call

    def _wait_of(self, data: dict[str, Any]) -> threading.Event | None:
        """What a call of UpdateTable waits for. Clients send one again whose answer is late, and that waits
        as well; commits of others to the table do not."""
        with self._lock:
            table = self._plan.glue_commit_held
            if table is None or data.get("TableInput", {}).get("Name") != table:
                return None
            if self._held_commit is None:
                self._held_commit = data
                self._counts["glue_commit_held"] += 1
            return self._let_go if data == self._held_commit else None

    def holds_a_commit(self) -> bool:
        """Whether a run waits for the answer to a commit now."""
        with self._lock:
            return self._held_commit is not None

    # IAM

    def denies(self, principal_arn: str) -> bool:
        """Whether a principal's rights have not spread yet."""
        with self._lock:
            deny = self._plan.deny
            # arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION
            if deny is None or principal_arn.split("/")[1:2] != [deny.role]:
                return False
            if self._denied_until is None:
                self._denied_until = time.monotonic() + deny.seconds
            denied = time.monotonic() < self._denied_until
            if denied:
                self._counts["denied"] += 1
        return denied

    # Lambda

    def _kill_workers(self, kill: Kill, draw: random.Random, end: threading.Event) -> None:
        """Kills the process of a busy worker at random moments, as if its host had failed.

        A moment at which no worker is busy passes. Waiting for one would hit every next batch, and always in
        its first milliseconds.
        """
        done = 0
        while done != kill.times and not end.wait(draw.uniform(kill.low, kill.high)):
            if busy := _busy_processes(kill.function):
                draw.choice(busy).kill()
                done += 1
                self._count("lambda_killed")
                logger.info("killed a worker of %s", kill.function)

    def _kills_its_sender(self, records: list[dict[str, Any]]) -> bool:
        """Kills the function that puts these records, when one of them holds the text that the plan names.

        Nothing says which worker it is, so all that are busy go, as with their host.
        """
        with self._lock:
            plan = self._plan.kill_on
        if plan is None:
            return False
        function, text = plan
        if not any(text.encode() in base64.b64decode(record["Data"]) for record in records):
            return False
        for process in _busy_processes(function):
            process.kill()
        self._count("lambda_killed_by_record")
        return True

    def _count(self, name: str, times: int = 1) -> None:
        with self._lock:
            self._counts[name] += times


def _put_others(original: Handler, data: dict[str, Any], refused: dict[int, str]) -> Response:
    """Calls PutRecordBatch without the records in `refused`, and makes the answer for all of them."""
    records = data["Records"]
    others = [record for n, record in enumerate(records) if n not in refused]
    taken: list[dict[str, Any]] = []
    if others:
        response = original({**data, "Records": others})
        if response[0] != 200:
            return response
        taken = json.loads(response[2])["RequestResponses"]
    answers = iter(taken)
    responses = [
        {"ErrorCode": refused[n], "ErrorMessage": _SLOW_DOWN} if n in refused else next(answers)
        for n in range(len(records))
    ]
    failed = sum("RecordId" not in response for response in responses)
    return answer({"FailedPutCount": failed, "Encrypted": False, "RequestResponses": responses})


def _busy_processes(function: str) -> list[Any]:
    """The processes of `function` that handle an invocation now."""
    with lambda_runtime._lock:
        workers = [
            worker
            for key, pool in lambda_runtime._workers.items()
            if key.split(":")[2] == function
            for worker in pool
            if worker.in_use and worker._start_time is not None
        ]
        processes = [worker._proc for worker in workers]
    return [process for process in processes if process is not None and process.poll() is None]


def clear_start_time(original: Callable[[Any], None]) -> Callable[[Any], None]:
    """Wraps Worker._spawn so that a worker has no start time while it starts anew.

    ministack ends every worker of a function when one dies in its start, so a kill must not hit it there.
    """

    def spawn(worker: Any) -> None:
        worker._start_time = None
        original(worker)

    return spawn
