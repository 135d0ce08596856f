"""A bad day at AWS, on demand and from a seed: Firehose that fails, and functions that die in mid-invocation.

Nothing is injected unless somebody asks for it through the admin route `faults`.
"""

import json
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.responses import error_response_json, json_response

from emulator.fault_injection.plan import Kill, Plan

logger = logging.getLogger("lean_ops.faults")

# Callers here give a call 5 seconds.
LATE_SECONDS = 5.5
_RECORD_CODES = ("ServiceUnavailableException", "InternalFailure")
# A late answer costs seconds of somebody's time, so it is the rare one.
_CALL_FAULTS = ("firehose_call_refused", "firehose_call_failed_after_taking", "firehose_call_late")
_CALL_WEIGHTS = (45, 45, 10)

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[dict[str, Any]], Response]


class Faults:
    """What is injected now, and how often each fault was since the start."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plan = Plan()
        self._random = random.Random()
        self._counts: Counter[str] = Counter()
        self._end_kills = threading.Event()

    def configure(self, plan: Plan) -> None:
        """From now on this plan and no other; an empty one turns everything off."""
        with self._lock:
            self._plan = plan
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
        """PutRecord or PutRecordBatch with whatever goes wrong this time."""
        size = len(data.get("Records") or [0])
        with self._lock:
            rate = self._plan.firehose_put
            fault = None
            if rate and self._random.random() < rate:
                (fault,) = self._random.choices(_CALL_FAULTS, _CALL_WEIGHTS)
                self._counts[fault] += 1
        if fault == "firehose_call_refused":
            self._count("firehose_records_in_refused_calls", size)
            return _refusal("ServiceUnavailableException", "Slow down.", 503)
        if fault is not None:
            # Everything is taken and nobody is told: the outcome that a sender has to count as not taken.
            answer = original(data)
            if answer[0] != 200:
                return answer
            self._count("firehose_records_taken_unanswered", size)
            if fault == "firehose_call_late":
                time.sleep(LATE_SECONDS)
                return answer
            return _refusal("InternalFailure", "The request processing has failed.", 500)
        refused = self._refused_records(len(data.get("Records") or []))
        return _put_others(original, data, refused) if refused else original(data)

    def _refused_records(self, count: int) -> dict[int, str]:
        """Place in the batch → error code, of the records that are not taken."""
        with self._lock:
            rate = self._plan.firehose_put
            if not rate:
                return {}
            draw = self._random
            refused = {n: draw.choice(_RECORD_CODES) for n in range(count) if draw.random() < rate}
            self._counts["firehose_record_refused"] += len(refused)
        return refused

    # Lambda

    def _kill_workers(self, kill: Kill, draw: random.Random, end: threading.Event) -> None:
        """At random moments the process of a busy worker is gone, as if its host had failed.

        A moment at which nobody is busy passes: waiting for somebody would hit the next batch always, and
        always in its first milliseconds.
        """
        done = 0
        while done != kill.times and not end.wait(draw.uniform(kill.low, kill.high)):
            if busy := _handling(kill.function):
                draw.choice(busy).kill()
                done += 1
                self._count("lambda_killed")
                logger.info("killed a worker of %s", kill.function)

    def _count(self, name: str, times: int = 1) -> None:
        with self._lock:
            self._counts[name] += times


def _put_others(original: Handler, data: dict[str, Any], refused: dict[int, str]) -> Response:
    """PutRecordBatch without the records in `refused`, and the answer for all."""
    records = data["Records"]
    others = [record for n, record in enumerate(records) if n not in refused]
    taken: list[dict[str, Any]] = []
    if others:
        answer = original({**data, "Records": others})
        if answer[0] != 200:
            return answer
        taken = json.loads(answer[2])["RequestResponses"]
    answers = iter(taken)
    responses = [
        {"ErrorCode": refused[n], "ErrorMessage": "Slow down."} if n in refused else next(answers)
        for n in range(len(records))
    ]
    failed = sum("RecordId" not in response for response in responses)
    found: Response = json_response(
        {"FailedPutCount": failed, "Encrypted": False, "RequestResponses": responses}
    )
    return found


def _refusal(code: str, message: str, status: int) -> Response:
    found: Response = error_response_json(code, message, status)
    return found


def _handling(function: str) -> list[Any]:
    """Processes of `function` that handle an invocation now."""
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


def with_start_known(original: Callable[[Any], None]) -> Callable[[Any], None]:
    """Wraps Worker._spawn so that a worker has no start time while it starts anew.

    ministack ends every worker of a function when one dies in its start: a kill must not hit there.
    """

    def spawn(worker: Any) -> None:
        worker._start_time = None
        original(worker)

    return spawn
