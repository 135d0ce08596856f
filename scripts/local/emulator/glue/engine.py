"""Glue job runs: each runs the job's own script, with the job's role, in the warm Spark process."""

import contextvars
import json
import logging
import shlex
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from botocore.exceptions import BotoCoreError, ClientError
from ministack.core.responses import get_account_id, new_uuid
from ministack.services import glue

from emulator.errors import EmulatorError
from emulator.fault_injection.inject import FaultInjector
from emulator.glue import cloudwatch_streams
from emulator.iam.credentials import AccessDeniedError, Credentials, client, service_session
from emulator.responses import Response, answer, refusal
from emulator.settings import Settings
from emulator.spark.client import RequestFailedError, SparkClient, WorkerLostError

logger = logging.getLogger("lean_ops.glue")

ACTIVE = ("STARTING", "RUNNING", "STOPPING", "WAITING")
_LOG_GROUP_PREFIX = "/aws-glue/jobs"
"""Where Glue 5 writes `output` and `error` of a job that does not name a prefix of its own."""
_DEFAULT_TIMEOUT_MINUTES = 2880
_DEFAULT_WORKERS = 2
_FIELDS_TO_KEEP = (
    "ExecutionProperty",
    "ExecutionClass",
    "LogUri",
    "NotificationProperty",
    "MaintenanceWindow",
)
"""Fields of a job that ministack forgets."""
_SHOWN_RUNS = 20
_LOOK_SECONDS = 0.5
"""How often a run that waits for its turn looks whether the one before it is held up."""
_JAVA_OPTIONS = "spark.driver.extraJavaOptions"


class LaunchError(EmulatorError):
    """The job cannot be started as it is defined."""


@dataclass
class _Work:
    run: dict[str, Any]
    job: dict[str, Any]
    arguments: dict[str, str]
    ended: threading.Event = field(default_factory=threading.Event)
    spark: SparkClient | None = None
    """The process that runs the script."""
    usage: dict[str, float] = field(default_factory=dict)


class GlueEngine:
    """Replaces ministack's StartJobRun.

    One script runs at a time: a second run stays in STARTING until the first ends. Only beside one that a
    fault holds up runs a second one, in a process of its own, as both would on AWS.
    """

    def __init__(self, settings: Settings, spark: SparkClient, faults: FaultInjector) -> None:
        self._settings = settings
        self._spark = spark
        self._faults = faults
        self._starting = threading.Lock()
        self._one_script = threading.Lock()
        self._work: dict[str, _Work] = {}
        self.fresh_jvm = False
        """Whether every run gets a JVM of its own, as on AWS. It takes seconds, so it is for measurements."""

    def start_job_run(self, data: dict[str, Any]) -> Response:
        if self._faults.start_is_throttled():
            return refusal("ThrottlingException", "Rate exceeded")
        name = data.get("JobName", "")
        job = glue._jobs.get(name)
        if job is None:
            return refusal(
                "EntityNotFoundException", f"Failed to start job run due to missing metadata: {name}"
            )
        limit = int((job.get("ExecutionProperty") or {}).get("MaxConcurrentRuns", 1))
        with self._starting:
            runs = glue._job_runs.setdefault(name, [])
            if sum(run["JobRunState"] in ACTIVE for run in runs) >= limit:
                return refusal("ConcurrentRunsExceededException", f"Concurrent runs exceeded for {name}")
            run = _new_run(name, job, data)
            runs.append(run)
        arguments = {
            **job.get("DefaultArguments", {}),
            **data.get("Arguments", {}),
            **job.get("NonOverridableArguments", {}),
        }
        work = _Work(run, job, {key: str(value) for key, value in arguments.items()})
        self._work[run["Id"]] = work
        context = contextvars.copy_context()
        threading.Thread(
            target=context.run, args=(self._run, work), name=f"glue-{run['Id']}", daemon=True
        ).start()
        return answer({"JobRunId": run["Id"]})

    def stop_job_runs(self, data: dict[str, Any]) -> Response:
        stopped, errors = [], []
        for run_id in data.get("JobRunIds", []):
            work = self._work.get(run_id)
            if work is None or work.run["JobRunState"] not in ACTIVE:
                detail = {
                    "ErrorCode": "InvalidInputException",
                    "ErrorMessage": f"Run {run_id} is not running",
                }
                errors.append({"JobName": data.get("JobName"), "JobRunId": run_id, "ErrorDetail": detail})
                continue
            self._finish(work, "STOPPED", "")
            stopped.append({"JobName": data.get("JobName"), "JobRunId": run_id})
        return answer({"SuccessfulSubmissions": stopped, "Errors": errors})

    def states(self) -> dict[str, str]:
        """The states of the last runs, by run id."""
        return {key: work.run["JobRunState"] for key, work in list(self._work.items())[-_SHOWN_RUNS:]}

    def usage(self) -> dict[str, dict[str, float]]:
        """What the last runs that ended used, by run id; see _Run.execute in `spark_process.glue_jobs`."""
        return {key: work.usage for key, work in list(self._work.items())[-_SHOWN_RUNS:] if work.usage}

    def _run(self, work: _Work) -> None:
        seconds = int(work.job.get("Timeout") or _DEFAULT_TIMEOUT_MINUTES) * 60
        watch = threading.Timer(seconds, self._finish, (work, "TIMEOUT", "Job timed out"))
        watch.daemon = True
        with self._process() as spark:
            if work.ended.is_set():
                return
            work.spark = spark
            try:
                watch.start()
                failure = self._execute(work, spark)
            except AccessDeniedError as error:
                failure = f"AccessDeniedException: {error}"
            except (ClientError, BotoCoreError, OSError, ValueError, LaunchError) as error:
                failure = f"LAUNCH ERROR | {error}"
            except (WorkerLostError, RequestFailedError) as error:
                failure = f"Command failed with exit code 1: {error}"
            finally:
                watch.cancel()
        self._finish(work, "FAILED" if failure else "SUCCEEDED", failure or "")

    @contextmanager
    def _process(self) -> Iterator[SparkClient]:
        """The Spark process for a run, once it is the run's turn."""
        while not self._one_script.acquire(timeout=_LOOK_SECONDS):
            if not self._faults.holds_a_commit():
                continue
            beside = SparkClient(self._settings)
            beside.start()
            try:
                yield beside
            finally:
                beside.stop()
            return
        try:
            yield self._spark
        finally:
            self._one_script.release()

    def _execute(self, work: _Work, spark: SparkClient) -> str | None:
        run, job = work.run, work.job
        if job.get("Command", {}).get("Name") != "glueetl":
            raise LaunchError(
                f"the local stack runs glueetl jobs only, not {job.get('Command', {}).get('Name')!r}"
            )
        session = service_session(
            job["Role"] if job["Role"].startswith("arn:") else _role_arn(job["Role"]),
            "glue.amazonaws.com",
            "GlueJobRunnerSession",
        )
        folder = self._settings.local_dir / "glue" / run["Id"]
        folder.mkdir(parents=True)
        script = _download(session, job["Command"]["ScriptLocation"], folder)
        extra = [
            location for location in work.arguments.get("--extra-py-files", "").split(",") if location.strip()
        ]
        # Spark knows a file by its name only, and every run ships its own.
        files = [_download(session, location.strip(), folder, f"{run['Id']}-") for location in extra]
        conf = _conf(work.arguments.get("--conf", ""))
        spark.use_java_options(conf.get(_JAVA_OPTIONS, ""), anew=self.fresh_jvm)
        spark.wait_ready()
        run.update(JobRunState="RUNNING", LastModifiedOn=time.time())
        log = self._settings.logs / "glue" / f"{run['JobName']}-{run['Id']}.log"
        prefix = work.arguments.get("--custom-logGroup-prefix", _LOG_GROUP_PREFIX)
        writes = {
            name: cloudwatch_streams.may_write(session, f"{prefix}/{name}") for name in ("output", "error")
        }

        def sink(run_id: str, stream: str, lines: list[str]) -> None:
            with log.open("a", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
            if writes[stream]:
                cloudwatch_streams.write(f"{prefix}/{stream}", run_id, lines)

        context = contextvars.copy_context()
        result = spark.request(
            "glue",
            {
                "run_id": run["Id"],
                "script": str(script),
                "py_files": [str(file) for file in files],
                "arguments": _argv(work),
                "conf": conf,
                "credentials": session.as_json(),
            },
            lambda *message: context.copy().run(sink, *message),
        )
        work.usage = result["usage"]
        failure: str | None = result["failure"]
        return failure

    def _finish(self, work: _Work, state: str, message: str) -> None:
        """Ends a run; only the first call counts.

        A run that is stopped or too slow takes Spark's process along.
        """
        with self._starting:
            if work.ended.is_set():
                return
            work.ended.set()
            running = work.run["JobRunState"] == "RUNNING"
            now = time.time()
            work.run.update(
                JobRunState=state,
                ErrorMessage=message,
                CompletedOn=now,
                LastModifiedOn=now,
                ExecutionTime=int(now - work.run["StartedOn"]),
            )
        if message:
            logger.warning("Glue run %s of %s: %s: %s", work.run["Id"], work.run["JobName"], state, message)
        if running and state in ("STOPPED", "TIMEOUT") and work.spark is not None:
            work.spark.restart()


def _new_run(name: str, job: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    now = time.time()
    workers = job.get("NumberOfWorkers", _DEFAULT_WORKERS)
    capacity = job.get("MaxCapacity") or workers
    return {
        "Id": f"jr_{new_uuid().replace('-', '')}",
        "JobName": name,
        "Attempt": 0,
        "StartedOn": now,
        "LastModifiedOn": now,
        "JobRunState": "STARTING",
        "Arguments": data.get("Arguments", {}),
        "PredecessorRuns": [],
        "AllocatedCapacity": int(capacity),
        "ExecutionTime": 0,
        "Timeout": data.get("Timeout") or job.get("Timeout", _DEFAULT_TIMEOUT_MINUTES),
        "MaxCapacity": float(capacity),
        "WorkerType": job.get("WorkerType", "G.1X"),
        "NumberOfWorkers": workers,
        "LogGroupName": _LOG_GROUP_PREFIX,
        "GlueVersion": job.get("GlueVersion", "5.0"),
    }


def _argv(work: _Work) -> list[str]:
    """The script's arguments as Glue passes them: `--key value`, with Glue's own three first."""
    own = {"--JOB_ID": "j_local", "--JOB_RUN_ID": work.run["Id"], "--JOB_NAME": work.run["JobName"]}
    return [part for pair in {**own, **work.arguments}.items() for part in pair]


def _conf(value: str) -> dict[str, str]:
    """Spark's settings in Glue's one --conf argument, which is `a=b --conf c=d …`.

    Raises LaunchError, or shlex's ValueError.
    """
    pairs = [part for part in shlex.split(value) if part != "--conf"] if value else []
    wrong = [part for part in pairs if "=" not in part]
    if wrong:
        raise LaunchError(f"--conf has a part that is not name=value: {wrong[0]!r}")
    return dict(part.split("=", 1) for part in pairs)


def _role_arn(name: str) -> str:
    return f"arn:aws:iam::{get_account_id()}:role/{name}"


def _download(session: Credentials, location: str, folder: Path, prefix: str = "") -> Path:
    source = urlparse(location)
    if source.scheme != "s3" or not source.path.strip("/"):
        raise LaunchError(f"{location!r} is not an s3:// object")
    target = folder / (prefix + Path(source.path).name)
    client("s3", session).download_file(source.netloc, source.path.lstrip("/"), str(target))
    return target


def keep_job_fields(original: Any, key: str) -> Any:
    """Wraps CreateJob or UpdateJob so that a job keeps what this engine and Terraform read back.

    `key` is the request's member with the job's name: Name or JobName.
    """

    def handler(data: dict[str, Any]) -> Response:
        response: Response = original(data)
        given = data if key == "Name" else data.get("JobUpdate", {})
        job = glue._jobs.get(data.get(key, ""))
        if response[0] == 200 and job is not None:
            for name in _FIELDS_TO_KEEP:
                if name in given:
                    job[name] = json.loads(json.dumps(given[name]))
            job.setdefault("ExecutionProperty", {"MaxConcurrentRuns": 1})
            if key == "Name" and given.get("Tags"):
                glue._tags[glue._arn("job", given["Name"])] = dict(given["Tags"])
        return response

    return handler
