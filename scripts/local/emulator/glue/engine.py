"""Glue job runs: the job's own script, with the job's role, in the warm Spark process."""

import contextvars
import json
import logging
import shlex
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from botocore.exceptions import BotoCoreError, ClientError
from ministack.core.responses import error_response_json, get_account_id, json_response, new_uuid
from ministack.services import glue

from emulator.glue import cloudwatch_streams
from emulator.iam.credentials import AccessDenied, Credentials, client, service_session
from emulator.settings import Settings
from emulator.spark.client import RequestFailed, SparkClient, WorkerLost

logger = logging.getLogger("lean_ops.glue")

ACTIVE = ("STARTING", "RUNNING", "STOPPING", "WAITING")
LOG_GROUP = "/aws-glue/jobs"
Response = tuple[int, dict[str, str], bytes]


@dataclass
class _Work:
    run: dict[str, Any]
    job: dict[str, Any]
    arguments: dict[str, str]
    ended: threading.Event = field(default_factory=threading.Event)


class GlueEngine:
    """Replaces ministack's StartJobRun. One script at a time: a second run stays in STARTING until the first
    ends.
    """

    def __init__(self, settings: Settings, spark: SparkClient) -> None:
        self._settings = settings
        self._spark = spark
        self._starting = threading.Lock()
        self._one_script = threading.Lock()
        self._work: dict[str, _Work] = {}

    def start_job_run(self, data: dict[str, Any]) -> Response:
        name = data.get("JobName", "")
        job = glue._jobs.get(name)
        if job is None:
            return _refusal(
                "EntityNotFoundException", f"Failed to start job run due to missing metadata: {name}"
            )
        limit = int((job.get("ExecutionProperty") or {}).get("MaxConcurrentRuns", 1))
        with self._starting:
            runs = glue._job_runs.setdefault(name, [])
            if sum(run["JobRunState"] in ACTIVE for run in runs) >= limit:
                return _refusal("ConcurrentRunsExceededException", f"Concurrent runs exceeded for {name}")
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
        return _answer({"JobRunId": run["Id"]})

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
        return _answer({"SuccessfulSubmissions": stopped, "Errors": errors})

    def states(self) -> dict[str, str]:
        """Run id → state, of the runs that have not ended and the last few that have."""
        return {key: work.run["JobRunState"] for key, work in list(self._work.items())[-20:]}

    def _run(self, work: _Work) -> None:
        watch = threading.Timer(
            int(work.job.get("Timeout") or 2880) * 60, self._finish, (work, "TIMEOUT", "Job timed out")
        )
        watch.daemon = True
        with self._one_script:
            if work.ended.is_set():
                return
            try:
                watch.start()
                failure = self._execute(work)
            except AccessDenied as error:
                failure = f"AccessDeniedException: {error}"
            except (ClientError, BotoCoreError, OSError, ValueError) as error:
                failure = f"LAUNCH ERROR | {error}"
            except (WorkerLost, RequestFailed) as error:
                failure = f"Command failed with exit code 1: {error}"
            finally:
                watch.cancel()
        self._finish(work, "FAILED" if failure else "SUCCEEDED", failure or "")

    def _execute(self, work: _Work) -> str | None:
        run, job = work.run, work.job
        if job.get("Command", {}).get("Name") != "glueetl":
            raise ValueError(
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
        # Spark knows a file by its name: every run ships its own.
        files = [_download(session, location.strip(), folder, f"{run['Id']}-") for location in extra]
        self._spark.wait_ready()
        run.update(JobRunState="RUNNING", LastModifiedOn=time.time())
        log = self._settings.logs / "glue" / f"{run['JobName']}-{run['Id']}.log"
        writes = {
            name: cloudwatch_streams.may_write(session, f"{LOG_GROUP}/{name}") for name in ("output", "error")
        }

        def sink(run_id: str, stream: str, lines: list[str]) -> None:
            with log.open("a", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
            if writes[stream]:
                cloudwatch_streams.write(f"{LOG_GROUP}/{stream}", run_id, lines)

        context = contextvars.copy_context()
        answer = self._spark.ask(
            "glue",
            {
                "run_id": run["Id"],
                "script": str(script),
                "py_files": [str(file) for file in files],
                "arguments": _argv(work),
                "conf": _conf(work.arguments.get("--conf", "")),
                "credentials": session.as_json(),
            },
            lambda *message: context.copy().run(sink, *message),
        )
        failure: str | None = answer["failure"]
        return failure

    def _finish(self, work: _Work, state: str, message: str) -> None:
        """The first end counts; a run that is stopped or too slow takes the Spark process with it."""
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
        if running and state in ("STOPPED", "TIMEOUT"):
            self._spark.restart()


def _answer(body: dict[str, Any]) -> Response:
    found: Response = json_response(body)
    return found


def _refusal(code: str, message: str) -> Response:
    found: Response = error_response_json(code, message, 400)
    return found


def _new_run(name: str, job: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    now = time.time()
    capacity = job.get("MaxCapacity") or job.get("NumberOfWorkers", 2)
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
        "Timeout": data.get("Timeout") or job.get("Timeout", 2880),
        "MaxCapacity": float(capacity),
        "WorkerType": job.get("WorkerType", "G.1X"),
        "NumberOfWorkers": job.get("NumberOfWorkers", 2),
        "LogGroupName": LOG_GROUP,
        "GlueVersion": job.get("GlueVersion", "5.0"),
    }


def _argv(work: _Work) -> list[str]:
    """As Glue passes them: `--key value`, its own three first."""
    own = {"--JOB_ID": "j_local", "--JOB_RUN_ID": work.run["Id"], "--JOB_NAME": work.run["JobName"]}
    return [part for pair in {**own, **work.arguments}.items() for part in pair]


def _conf(value: str) -> dict[str, str]:
    """Glue's one --conf argument: `a=b --conf c=d …`."""
    pairs = [part for part in shlex.split(value) if part != "--conf"] if value else []
    wrong = [part for part in pairs if "=" not in part]
    if wrong:
        raise ValueError(f"--conf has a part that is not name=value: {wrong[0]!r}")
    return dict(part.split("=", 1) for part in pairs)


def _role_arn(name: str) -> str:
    return f"arn:aws:iam::{get_account_id()}:role/{name}"


def _download(session: Credentials, location: str, folder: Path, prefix: str = "") -> Path:
    place = urlparse(location)
    if place.scheme != "s3" or not place.path.strip("/"):
        raise ValueError(f"{location!r} is not an s3:// object")
    target = folder / (prefix + Path(place.path).name)
    client("s3", session).download_file(place.netloc, place.path.lstrip("/"), str(target))
    return target


def keep_job_fields(original: Any, key: str) -> Any:
    """Wraps CreateJob and UpdateJob: ministack forgets fields that this engine and Terraform read back."""

    def handler(data: dict[str, Any]) -> Response:
        answer: Response = original(data)
        given = data if key == "Name" else data.get("JobUpdate", {})
        job = glue._jobs.get(data.get(key if key == "Name" else "JobName", ""))
        if answer[0] == 200 and job is not None:
            for name in (
                "ExecutionProperty",
                "ExecutionClass",
                "LogUri",
                "NotificationProperty",
                "MaintenanceWindow",
            ):
                if name in given:
                    job[name] = json.loads(json.dumps(given[name]))
            job.setdefault("ExecutionProperty", {"MaxConcurrentRuns": 1})
        return answer

    return handler
